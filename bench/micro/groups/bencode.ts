// Bencoded documents of the sizes that are met: a .torrent of 10,000 files, a tracker's reply, an extension handshake.

import { NodeCrypto } from '../../../src/node/system/node-crypto.ts';
import { bencode } from '../../../src/protocol/bencode/encode.ts';
import { bdecode } from '../../../src/protocol/bencode/index.ts';
import {
  decodeExtensionHandshake,
  EXTENSION_IDS,
  type ExtensionHandshake,
  encodeExtensionHandshake,
} from '../../../src/protocol/extensions/extension-handshake.ts';
import { BENCODE_TORRENT_DEPTH_MAX, BENCODE_TORRENT_TOKENS_MAX } from '../../../src/protocol/limits.ts';
import { buildInfoDictionary, decodeMetainfo, encodeMetainfo } from '../../../src/protocol/metainfo/index.ts';
import { decodeAnnounceReply } from '../../../src/protocol/tracker/http-announce.ts';
import type { Operation, OperationGroup } from '../operation.ts';

const FILE_COUNT = 10_000;
const FILE_BYTES = 300_000;
const PIECE_BYTES = 1024 * 1024;

function many(name: string, count: number, once: () => unknown): Operation {
  const run = (): unknown => {
    let last: unknown;
    for (let i = 0; i < count; i++) last = once();
    return last;
  };
  return { name, count, run };
}

function infoParts(): Parameters<typeof buildInfoDictionary>[0] {
  const files = Array.from({ length: FILE_COUNT }, (_, i) => ({
    path: [`folder ${String(Math.floor(i / 100)).padStart(3, '0')}`, `file ${String(i).padStart(5, '0')}.bin`],
    lengthBytes: FILE_BYTES,
  }));
  const pieceCount = Math.ceil((FILE_COUNT * FILE_BYTES) / PIECE_BYTES);
  return {
    format: 'v1',
    name: 'content',
    isMultiFile: true,
    pieceLengthBytes: PIECE_BYTES,
    files,
    pieceHashes: new Uint8Array(20 * pieceCount).fill(7),
  };
}

function metainfo(): Operation[] {
  const parts = infoParts();
  const bytes = encodeMetainfo({ infoBytes: buildInfoDictionary(parts) });
  const crypto = new NodeCrypto();
  const limits = { maxDepth: BENCODE_TORRENT_DEPTH_MAX, maxTokens: BENCODE_TORRENT_TOKENS_MAX };
  if (!decodeMetainfo(bytes, crypto).ok) throw new Error('the torrent is not valid');
  return [
    many('scan a .torrent of 10,000 files', 1, () => bdecode(bytes, limits)),
    many('decode a .torrent of 10,000 files', 1, () => decodeMetainfo(bytes, crypto)),
    many('encode a .torrent of 10,000 files', 1, () => encodeMetainfo({ infoBytes: buildInfoDictionary(parts) })),
  ];
}

function messages(): Operation[] {
  const reply = bencode({
    complete: 120,
    incomplete: 80,
    interval: 1_800,
    'min interval': 900,
    peers: Uint8Array.from({ length: 6 * 200 }, (_, i) => (i % 6 === 0 ? 10 : (i * 7) % 251) + 1),
  });
  const handshake: ExtensionHandshake = {
    messages: new Map(Object.entries(EXTENSION_IDS)),
    client: 'Millrace 0.1.0',
    listenPort: 6_881,
    requestQueue: 500,
    yourAddress: Uint8Array.of(192, 0, 2, 1),
    metadataSizeBytes: 40_000,
    uploadOnly: false,
  };
  const encoded = encodeExtensionHandshake(handshake);
  return [
    many('decode a tracker reply of 200 peers', 100, () => decodeAnnounceReply(reply)),
    many('decode an extension handshake', 1_000, () => decodeExtensionHandshake(encoded)),
    many('encode an extension handshake', 1_000, () => encodeExtensionHandshake(handshake)),
  ];
}

export const bencoding: OperationGroup = { name: 'bencode', create: () => [...metainfo(), ...messages()] };
