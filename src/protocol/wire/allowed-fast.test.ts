import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { allowedFastSet } from './allowed-fast.ts';

const sha1 = (bytes: Uint8Array): Uint8Array => createHash('sha1').update(bytes).digest();
const bep6 = {
  address: Uint8Array.of(80, 4, 4, 200),
  infoHash: new Uint8Array(20).fill(0xaa),
  pieceCount: 1313,
  sha1,
};

test('the vectors of BEP 6', () => {
  expect(allowedFastSet({ ...bep6, setSize: 7 })).toEqual([1059, 431, 808, 1217, 287, 376, 1188]);
  expect(allowedFastSet({ ...bep6, setSize: 9 })).toEqual([1059, 431, 808, 1217, 287, 376, 1188, 353, 508]);
});

test('a /24 has one set, its neighbour another', () => {
  const set = allowedFastSet({ ...bep6, setSize: 10 });
  expect(allowedFastSet({ ...bep6, setSize: 10, address: Uint8Array.of(80, 4, 4, 1) })).toEqual(set);
  expect(allowedFastSet({ ...bep6, setSize: 10, address: Uint8Array.of(80, 4, 5, 200) })).not.toEqual(set);
});

test('a torrent of few pieces gives all of them, each once', () => {
  for (const pieceCount of [0, 1, 9, 10]) {
    const set = allowedFastSet({ ...bep6, pieceCount, setSize: 10 });
    expect([...set].sort((a, b) => a - b)).toEqual(Array.from({ length: pieceCount }, (_, i) => i));
  }
});
