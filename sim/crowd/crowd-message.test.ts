import { expect, test } from 'vitest';
import { concatBytes } from '../../src/base/bytes.ts';
import { BLOCK_BYTES } from '../../src/protocol/limits.ts';
import { PIECE_HEADER_BYTES, writePieceHeader } from '../../src/protocol/wire/wire-encoder.ts';
import {
  type BlockRun,
  BlockScratch,
  BlocksMessage,
  isBlockBatch,
  splitBatch,
  withoutAllowedFast,
} from './crowd-message.ts';

const NOBODY = { handleArrived: (): void => {} };

function pieceMessage(pieceIndex: number, begin: number, length: number): Uint8Array {
  const bytes = new Uint8Array(PIECE_HEADER_BYTES + length);
  writePieceHeader(bytes, 0, pieceIndex, begin, length);
  return bytes;
}

test('a batch is split into runs, arrives with the headers that it was sent with, and each byte knows its block', () => {
  const messages = [0, 1, 2].map((i) => pieceMessage(5, i * BLOCK_BYTES, i === 2 ? 100 : BLOCK_BYTES));
  const batch = concatBytes(messages);
  expect(isBlockBatch(batch)).toBe(true);
  const runs: BlockRun[] = [];
  splitBatch(batch, 2, (run) => runs.push(run));
  expect(runs).toEqual([
    { pieceIndex: 5, begin: 0, blockCount: 2, payloadBytes: 2 * BLOCK_BYTES },
    { pieceIndex: 5, begin: 2 * BLOCK_BYTES, blockCount: 1, payloadBytes: 100 },
  ]);
  const source = { badBlockCount: 0 };
  const arrived = runs.map((run) => new BlocksMessage(NOBODY, new BlockScratch(), run, 0b10, source));
  expect(concatBytes(arrived.map((message) => message.bytes().slice()))).toEqual(batch);
  expect(arrived[0]!.blockAt(PIECE_HEADER_BYTES)).toEqual({ pieceIndex: 5, begin: 0, isBad: false, source });
  const second = arrived[0]!.blockAt(2 * PIECE_HEADER_BYTES + BLOCK_BYTES);
  expect(second).toEqual({ pieceIndex: 5, begin: BLOCK_BYTES, isBad: true, source });
});

test('allowed fast messages are taken out, and nothing else', () => {
  const handshake = new Uint8Array(68).fill(1);
  handshake[0] = 19;
  const have = Uint8Array.of(0, 0, 0, 5, 4, 0, 0, 0, 1);
  const allowedFast = Uint8Array.of(0, 0, 0, 5, 17, 0, 0, 0, 1);
  const keepAlive = new Uint8Array(4);
  const unchoke = Uint8Array.of(0, 0, 0, 1, 1);
  const left = withoutAllowedFast(concatBytes([handshake, have, allowedFast, keepAlive, allowedFast, unchoke]));
  expect(left).toEqual(concatBytes([handshake, have, keepAlive, unchoke]));
  expect(withoutAllowedFast(allowedFast)).toHaveLength(0);
});
