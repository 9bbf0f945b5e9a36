import { createHash } from 'node:crypto';
import createTorrent from 'create-torrent';
import fc from 'fast-check';
import parseTorrent from 'parse-torrent';
import { expect, test } from 'vitest';
import { bytesEqual, bytesToHex } from '../../base/bytes.ts';
import { BDict, bdecode } from '../bencode/index.ts';
import {
  compareFilePaths,
  decodeInfoDictionary,
  decodeMetainfo,
  encodeMetainfo,
  type InfoDictionary,
  type Metainfo,
  type MetainfoCrypto,
  pieceLayersOf,
  placeFiles,
  type TorrentFormat,
} from './index.ts';
import { type SampleOptions, sampleTorrent } from './testing/sample-torrent.ts';

const crypto: MetainfoCrypto = {
  sha1: (bytes) => new Uint8Array(createHash('sha1').update(bytes).digest()),
  sha256: (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest()),
};
const KIB = 1024;

function valid(bytes: Uint8Array): Metainfo {
  const parsed = decodeMetainfo(bytes, crypto);
  if (!parsed.ok) throw new Error(parsed.problem.message);
  return parsed.value;
}

function content(length: number, salt: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = i * 31 + (i >> 8) + salt;
  return bytes;
}

function folderOf(format: TorrentFormat): SampleOptions {
  return {
    format,
    name: 'Ordner',
    isMultiFile: true,
    pieceLengthBytes: 32 * KIB,
    files: [
      { path: ['a', 'long.bin'], bytes: content(100 * KIB + 5, 1) },
      { path: ['a', 'naïve'], bytes: content(7, 2) },
      { path: ['b.empty'], bytes: new Uint8Array(0) },
      { path: ['c'], bytes: content(64 * KIB, 3) },
      { path: ['d'], bytes: content(32 * KIB, 4) },
    ],
  };
}

function singleOf(format: TorrentFormat): SampleOptions {
  return {
    format,
    name: 'file.bin',
    isMultiFile: false,
    pieceLengthBytes: 16 * KIB,
    files: [{ path: ['file.bin'], bytes: content(50_000, 9) }],
  };
}

test.each(['v1', 'v2', 'hybrid'] as const)('a %s folder decodes to what was encoded', (format) => {
  const around = {
    trackers: [['http://a.example/announce', 'udp://b.example:80'], ['wss://c.example']],
    webSeeds: ['https://seed.example/x/'],
    httpSeeds: ['http://seed.example/seed.php'],
    nodes: ['node.example:6881', '[2001:db8::1]:51413'],
    comment: 'Grüße',
    createdBy: 'test',
    creationDate: 1_700_000_000,
  };
  const { torrentBytes, infoBytes } = sampleTorrent({ ...folderOf(format), private: true, around }, crypto);
  const metainfo = valid(torrentBytes);
  expect(metainfo).toMatchObject(around);
  const { info } = metainfo;
  expect(info).toMatchObject({ format, name: 'Ordner', isMultiFile: true, pieceLengthBytes: 32 * KIB, private: true });
  expect(info.infoBytes).toEqual(infoBytes);
  expect(info.infoHash).toEqual(format === 'v2' ? undefined : crypto.sha1(infoBytes));
  expect(info.infoHashV2).toEqual(format === 'v1' ? undefined : crypto.sha256(infoBytes));
  expect(info.contentBytes).toBe(196 * KIB + 12);
  expect(info.files.filter((file) => !file.pad).map((file) => file.path.join('/'))).toEqual([
    'a/long.bin',
    'a/naïve',
    'b.empty',
    'c',
    'd',
  ]);
  expect(info.files.map((file) => file.offsetBytes / KIB)).toEqual(
    {
      v1: [0, 100 + 5 / KIB, 100 + 12 / KIB, 100 + 12 / KIB, 164 + 12 / KIB],
      v2: [0, 128, 128 + 7 / KIB, 160, 224],
      hybrid: [0, 100 + 5 / KIB, 128, 128 + 7 / KIB, 160, 160, 224],
    }[format],
  );
  expect(info.pieceCount).toBe({ v1: 7, v2: 8, hybrid: 8 }[format]);
  expect(info.spaceBytes).toBe(format === 'v1' ? info.contentBytes : 256 * KIB);
  if (format === 'v1') expect(info.files.every((file) => file.piecesRoot === undefined)).toBe(true);
  else {
    const files = info.files.filter((file) => !file.pad);
    expect(files.map((file) => file.piecesRoot?.length)).toEqual([32, 32, undefined, 32, 32]);
    expect(files.map((file) => file.pieceLayer?.length)).toEqual([128, undefined, undefined, 64, undefined]);
  }
});

test.each(['v1', 'v2', 'hybrid'] as const)('a single %s file', (format) => {
  const { torrentBytes, infoBytes, space } = sampleTorrent(singleOf(format), crypto);
  const { info } = valid(torrentBytes);
  expect(info).toMatchObject({ format, isMultiFile: false, pieceCount: 4, spaceBytes: space.length });
  expect(info.files).toMatchObject([{ path: ['file.bin'], lengthBytes: 50_000, offsetBytes: 0, pad: false }]);

  // Without the layers, as from a peer: the same but for the layers.
  const alone = decodeInfoDictionary(infoBytes, crypto);
  expect(alone).toMatchObject({ ok: true, value: { format, pieceCount: 4, infoHash: info.infoHash } });
  expect(alone.ok && alone.value.files[0]!.pieceLayer).toBeUndefined();
});

test('decoding and encoding again gives the same bytes', () => {
  const anyName = fc.stringMatching(/^[a-z.é山\u{1f600}]{1,8}$/u);
  const anyFiles = fc.uniqueArray(fc.record({ path: fc.tuple(anyName, anyName), length: fc.nat({ max: 40_000 }) }), {
    minLength: 1,
    maxLength: 5,
    selector: ({ path }) => path.join('/'),
  });
  fc.assert(
    fc.property(anyFiles, fc.constantFrom('v1', 'v2', 'hybrid'), fc.webUrl(), (files, format, url) => {
      const sorted = files
        .sort((left, right) => compareFilePaths(left.path, right.path))
        .map(({ path, length }, i) => ({ path, bytes: content(length, i) }));
      const around = { webSeeds: [url] };
      const sample = sampleTorrent(
        { format, files: sorted, name: 'x', isMultiFile: true, pieceLengthBytes: 16 * KIB, around },
        crypto,
      );
      const metainfo = valid(sample.torrentBytes);
      expect(metainfo.info.spaceBytes).toBe(sample.space.length);
      const again = encodeMetainfo({
        ...metainfo,
        infoBytes: metainfo.info.infoBytes,
        pieceLayers: pieceLayersOf(metainfo.info),
      });
      expect(again).toEqual(sample.torrentBytes);
    }),
    { numRuns: 25 },
  );
});

test('parse-torrent reads what is encoded here', async () => {
  const around = {
    trackers: [['http://a.example/announce'], ['udp://b.example:80']],
    webSeeds: ['https://s.example/'],
  };
  const { torrentBytes } = sampleTorrent({ ...folderOf('v1'), around }, crypto);
  const oracle = await parseTorrent(torrentBytes);
  const { info } = valid(torrentBytes);
  expect(oracle.infoHash).toBe(bytesToHex(info.infoHash!));
  expect(oracle.length).toBe(info.spaceBytes);
  expect(oracle.files!.map(({ path, offset, length }) => ({ path, offset, length }))).toEqual(
    info.files.map((file) => ({
      path: ['Ordner', ...file.path].join('/'),
      offset: file.offsetBytes,
      length: file.lengthBytes,
    })),
  );
  expect(oracle.pieces!.join('')).toBe(bytesToHex(info.pieceHashes!));
  expect(oracle.announce).toEqual(['http://a.example/announce', 'udp://b.example:80']);
  expect(oracle.urlList).toEqual(['https://s.example/']);
});

test('what create-torrent writes is read here as parse-torrent reads it', async () => {
  const inputs = [content(40_000, 1), content(0, 2), content(3, 3)].map((bytes, i) =>
    Object.assign(Buffer.from(bytes), { name: `file ${i}` }),
  );
  const torrent = await new Promise<Uint8Array>((resolve, reject) => {
    createTorrent(
      inputs,
      { name: 'folder', private: true, comment: 'hi', pieceLength: 16 * KIB, announceList: [['http://t.example/a']] },
      (error, bytes) => (error === null ? resolve(bytes) : reject(error)),
    );
  });
  const oracle = await parseTorrent(torrent);
  const metainfo = valid(new Uint8Array(torrent));
  expect(bytesToHex(metainfo.info.infoHash!)).toBe(oracle.infoHash);
  expect(metainfo).toMatchObject({ comment: 'hi', trackers: [['http://t.example/a']], info: { private: true } });
  expect(metainfo.info.files.map((file) => file.lengthBytes)).toEqual(oracle.files!.map((file) => file.length));
  expect(metainfo.creationDate).toBe(oracle.created!.getTime() / 1000);
});

test('files are ordered as their UTF-8 bytes', () => {
  const names = ['Z', 'a', 'a.b', 'ab', 'é', '\u{ffff}', '\u{1f600}'];
  expect([...names].reverse().sort((left, right) => compareFilePaths([left], [right]))).toEqual(names);
  const byBytes = [...names].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
  expect(byBytes).toEqual(names);
  // A folder's files stand before a sibling whose name goes on after the folder's.
  expect(compareFilePaths(['a', 'z'], ['a.b'])).toBeLessThan(0);
});

test('the pads of a hybrid stand behind every file that ends inside a piece, but not at the end', () => {
  const lengths = [5, 0, 10, 20, 3].map((lengthBytes) => ({ lengthBytes }));
  const ends = placeFiles(lengths, 'hybrid', 10).map(({ file, offsetBytes, lengthBytes }) =>
    file === undefined ? `pad ${lengthBytes}` : offsetBytes,
  );
  expect(ends).toEqual([0, 'pad 5', 10, 10, 20, 40]);
});

test('an info dictionary keeps its own bytes, so that the file can be dropped', () => {
  const { torrentBytes } = sampleTorrent(folderOf('hybrid'), crypto);
  const { info } = valid(torrentBytes);
  const copies = [info.infoBytes, info.pieceHashes!, ...info.files.flatMap((file) => file.pieceLayer ?? [])];
  const before = copies.map((bytes) => bytesToHex(bytes));
  torrentBytes.fill(0);
  expect(copies.map((bytes) => bytesToHex(bytes))).toEqual(before);
});

test('no prefix of a torrent and no random bytes are a torrent, and none throws', () => {
  const { torrentBytes } = sampleTorrent(singleOf('hybrid'), crypto);
  for (let end = 0; end < torrentBytes.length; end++) {
    expect(decodeMetainfo(torrentBytes.subarray(0, end), crypto).ok).toBe(false);
  }
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(decodeMetainfo(bytes, crypto).ok).toBe(false);
      expect(decodeInfoDictionary(bytes, crypto).ok).toBe(false);
    }),
  );
});

test('a changed byte never throws, and never changes what the old info-hash names', () => {
  const { torrentBytes } = sampleTorrent(folderOf('hybrid'), crypto);
  const info: InfoDictionary = valid(torrentBytes).info;
  fc.assert(
    fc.property(fc.nat({ max: torrentBytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = torrentBytes.slice();
      changed[at]! ^= flip;
      const parsed = decodeMetainfo(changed, crypto);
      if (!parsed.ok) expect(parsed.problem.message).toMatch(/^[A-Z].*\.$/);
      else if (bytesEqual(parsed.value.info.infoBytes, info.infoBytes)) expect(parsed.value.info).toEqual(info);
    }),
    { numRuns: 500 },
  );
});

test('the piece layers are a dictionary of raw roots', () => {
  const { torrentBytes } = sampleTorrent(folderOf('v2'), crypto);
  const decoded = bdecode(torrentBytes, { maxDepth: 10, maxTokens: 1_000 });
  expect(decoded.ok && decoded.value instanceof BDict && decoded.value.getDict('piece layers')!.size).toBe(2);
});

// A Buffer's `slice` is a view: what was decoded of it would change with it, and keep the whole file in memory.
test.each(['v1', 'v2', 'hybrid'] as const)('what is decoded of a %s Buffer borrows nothing from it', (format) => {
  const { torrentBytes } = sampleTorrent(folderOf(format), crypto);
  const buffer = Buffer.from(torrentBytes);
  const { info } = valid(buffer);
  buffer.fill(0);
  expect(info).toEqual(valid(torrentBytes).info);
  expect(info.infoBytes.constructor).toBe(Uint8Array);
});
