// The torrent decoder: whatever it accepts must be consistent, and what it refuses must come with one sentence.
import { createHash } from 'node:crypto';
import { BDict, bdecode } from '../../src/protocol/bencode/index.ts';
import { decodeInfoDictionary, decodeMetainfo, type InfoDictionary } from '../../src/protocol/metainfo/index.ts';
import { sampleTorrent } from '../../src/protocol/metainfo/testing/sample-torrent.ts';

export const name = 'metainfo';

const crypto = {
  sha1: (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha1').update(bytes).digest()),
  sha256: (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest()),
};

export const seeds: readonly Uint8Array[] = (['v1', 'v2', 'hybrid'] as const).flatMap((format) => [
  sampleTorrent(
    {
      format,
      name: 'folder',
      isMultiFile: true,
      pieceLengthBytes: 16_384,
      files: [
        { path: ['a', 'b'], bytes: new Uint8Array(40_000).fill(1) },
        { path: ['c'], bytes: new Uint8Array(0) },
        { path: ['d'], bytes: new Uint8Array(5).fill(2) },
      ],
      around: { trackers: [['udp://t.example:80'], ['http://t.example/']], nodes: ['h:1'], webSeeds: ['http://w/'] },
    },
    crypto,
  ).torrentBytes,
  sampleTorrent(
    {
      format,
      name: 'file',
      isMultiFile: false,
      pieceLengthBytes: 32_768,
      files: [{ path: ['file'], bytes: new Uint8Array(20_000) }],
    },
    crypto,
  ).torrentBytes,
]);

export function run(bytes: Uint8Array): void {
  const parsed = decodeMetainfo(bytes, crypto);
  if (parsed.ok) {
    check(parsed.value.info);
    const alone = decodeInfoDictionary(parsed.value.info.infoBytes, crypto);
    if (!alone.ok) throw new Error('the info dictionary alone is refused');
    check(alone.value);
  } else {
    if (!/^[A-Z].*[^.]\.$/.test(parsed.problem.message)) throw new Error(`no sentence: ${parsed.problem.message}`);
    const decoded = bdecode(bytes, { maxDepth: 100, maxTokens: 100_000 });
    const info = decoded.ok && decoded.value instanceof BDict ? decoded.value.rawSpan('info') : undefined;
    const alone = info === undefined ? undefined : decodeInfoDictionary(info, crypto);
    if (alone?.ok === true) check(alone.value);
  }
}

function check(info: InfoDictionary): void {
  let endBytes = 0;
  for (const file of info.files) {
    if (file.offsetBytes < endBytes || !(file.lengthBytes >= 0)) throw new Error('files overlap');
    endBytes = file.offsetBytes + file.lengthBytes;
  }
  if (endBytes !== info.spaceBytes) throw new Error('the byte space is not the end of the last file');
  if (Math.ceil(endBytes / info.pieceLengthBytes) !== info.pieceCount) throw new Error('wrong piece count');
  if (info.pieceHashes !== undefined && info.pieceHashes.length !== info.pieceCount * 20) throw new Error('hashes');
}
