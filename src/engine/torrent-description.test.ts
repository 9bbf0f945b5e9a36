import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nodeCrypto } from '../../sim/testing/node-crypto.ts';
import { bytesToHex } from '../base/bytes.ts';

import { SessionError } from '../platform/session-error.ts';
import { buildInfoDictionary, encodeMetainfo } from '../protocol/metainfo/index.ts';
import { readTorrent } from './torrent-description.ts';

const crypto = nodeCrypto();

function v1Torrent(paths: readonly (readonly string[])[], parts: Partial<Parameters<typeof encodeMetainfo>[0]> = {}) {
  const infoBytes = buildInfoDictionary({
    format: 'v1',
    name: 'album',
    isMultiFile: true,
    pieceLengthBytes: 16_384,
    files: paths.map((path) => ({ path, lengthBytes: 10 })),
    pieceHashes: new Uint8Array(20).fill(7),
    source: 'XYZ',
    private: true,
  });
  return { infoBytes, bytes: encodeMetainfo({ infoBytes, ...parts }) };
}

test('a .torrent file is described field by field', () => {
  const { infoBytes, bytes } = v1Torrent([['disc 1', 'a.flac'], ['cover.jpg']], {
    trackers: [['http://t.example/announce', 'udp://u.example:80'], ['http://backup.example/announce']],
    webSeeds: ['http://seed.example/'],
    comment: 'a comment',
    createdBy: 'someone',
    creationDate: 1_700_000_000,
  });
  const infoHash = bytesToHex(crypto.sha1(infoBytes));
  expect(readTorrent(bytes, crypto)).toEqual({
    name: 'album',
    infoHash,
    infoHashV2: null,
    format: 'v1',
    pieceLength: 16_384,
    pieceCount: 1,
    totalSize: 20,
    private: true,
    comment: 'a comment',
    createdBy: 'someone',
    creationDate: 1_700_000_000,
    source: 'XYZ',
    trackers: [['http://t.example/announce', 'udp://u.example:80'], ['http://backup.example/announce']],
    webSeeds: ['http://seed.example/'],
    httpSeeds: [],
    nodes: [],
    magnet: expect.stringMatching(`^magnet:\\?xt=urn:btih:${infoHash}&dn=album`),
    files: ['album/disc 1/a.flac', 'album/cover.jpg'].map((path) => ({
      path,
      length: 10,
      pad: false,
      executable: false,
      hidden: false,
      symlink: null,
      piecesRoot: null,
    })),
  });
});

test("paths are the safe ones, the name is the author's own", () => {
  const { bytes } = v1Torrent([['..', '..', 'etc', 'passwd'], ['a:b']]);
  const { files } = readTorrent(bytes, crypto);
  expect(files.map((file) => file.path)).toEqual(['album/etc/passwd', 'album/a_b']);
});

test('a v2 torrent has no v1 hash, and its files have roots', () => {
  const root = crypto.sha256(Uint8Array.of(1));
  const infoBytes = buildInfoDictionary({
    format: 'v2',
    name: 'one.bin',
    isMultiFile: false,
    pieceLengthBytes: 16_384,
    files: [{ path: ['one.bin'], lengthBytes: 10, piecesRoot: root }],
  });
  const description = readTorrent(encodeMetainfo({ infoBytes, pieceLayers: [] }), crypto);
  expect(description).toMatchObject({
    infoHash: null,
    infoHashV2: bytesToHex(crypto.sha256(infoBytes)),
    format: 'v2',
    files: [{ path: 'one.bin', piecesRoot: bytesToHex(root) }],
  });
});

test('a magnet link and an info-hash leave open what they do not say', () => {
  const hash = 'c9e15763f722f23e98a29decdfae341b98d53056';
  const link = readTorrent(
    `magnet:?xt=urn:btih:${hash.toUpperCase()}&dn=a%20b&tr=udp%3A%2F%2Ft.example%3A80&xl=5`,
    crypto,
  );
  expect(link).toMatchObject({
    name: 'a b',
    infoHash: hash,
    infoHashV2: null,
    format: 'v1',
    totalSize: 5,
    pieceCount: null,
    private: null,
    trackers: [['udp://t.example:80']],
    files: [],
  });
  expect(readTorrent(hash, crypto)).toMatchObject({
    name: null,
    infoHash: hash,
    magnet: `magnet:?xt=urn:btih:${hash}`,
  });
  const v2 = 'a'.repeat(64);
  expect(readTorrent(v2, crypto)).toMatchObject({ infoHash: null, infoHashV2: v2, format: 'v2' });
  expect(readTorrent(`magnet:?xt=urn:btih:${hash}&xt=urn:btmh:1220${v2}`, crypto).format).toBe('hybrid');
});

test('anything else is refused with a code', () => {
  const codeOf = (source: string | Uint8Array): unknown => {
    try {
      return readTorrent(source, crypto);
    } catch (error) {
      expect(error).toBeInstanceOf(SessionError);
      return (error as SessionError).code;
    }
  };
  expect(codeOf('magnet:?dn=nothing')).toBe('MAGNET_INVALID');
  expect(codeOf('not a link')).toBe('MAGNET_INVALID');
  expect(codeOf(new Uint8Array(0))).toBe('METAINFO_INVALID');
  expect(codeOf(readFileSync(new URL(import.meta.url)))).toBe('METAINFO_INVALID');
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(codeOf(bytes)).toBe('METAINFO_INVALID');
    }),
  );
});
