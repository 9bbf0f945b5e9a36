import { expect, test } from 'vitest';
import { decodeUtf8Lenient, encodeUtf8 } from '../../base/bytes.ts';
import { randomBelow, seededRandom } from '../../base/random.ts';
import { bencode } from '../bencode/index.ts';
import { PEX_INITIAL_PEERS_MAX, PEX_MESSAGE_MAX_BYTES } from '../limits.ts';
import {
  decodePexMessage,
  encodePexMessage,
  PEX_REACHABLE,
  PEX_SEED,
  type PexMessage,
  type PexPeer,
} from './ut-pex.ts';

const MESSAGE: PexMessage = {
  added: [
    { address: '1.2.3.4', port: 6881, flags: PEX_SEED | PEX_REACHABLE },
    { address: '5.6.7.8', port: 80, flags: 0 },
    { address: '2001:db8::1', port: 51_413, flags: PEX_SEED },
  ],
  dropped: [
    { address: '9.9.9.9', port: 1 },
    { address: '2001:db8::2', port: 65_535 },
  ],
};

test('both families, flags and drops survive the way there and back', () => {
  expect(decodePexMessage(encodePexMessage(MESSAGE))).toEqual(MESSAGE);
});

test('the bytes are those of BEP 11, and lists without contacts are left out', () => {
  const added: PexPeer[] = [{ address: '49.50.51.52', port: 0x35_36, flags: 0x61 }];
  const bytes = encodePexMessage({ added, dropped: [{ address: '65.66.67.68', port: 0x45_46 }] });
  expect(decodeUtf8Lenient(bytes)).toBe('d5:added6:1234567:added.f1:a7:dropped6:ABCDEFe');
});

test('every beginning of a message is refused, or is what stands in it so far', () => {
  const bytes = encodePexMessage(MESSAGE);
  for (let end = 0; end < bytes.length; end++) expect(decodePexMessage(bytes.subarray(0, end))).toBeUndefined();
});

test('flags may be missing or too short, reserved bits are dropped, and a part of a contact is ignored', () => {
  const added = Uint8Array.from([1, 1, 1, 1, 0, 1, 2, 2, 2, 2, 0, 2, 3, 3, 3]);
  const peersOf = (flags?: readonly number[]): unknown =>
    decodePexMessage(bencode({ added, 'added.f': flags === undefined ? undefined : Uint8Array.from(flags) }))?.added;
  expect(peersOf()).toEqual([
    { address: '1.1.1.1', port: 1, flags: 0 },
    { address: '2.2.2.2', port: 2, flags: 0 },
  ]);
  expect(peersOf([0xe2])).toEqual([
    { address: '1.1.1.1', port: 1, flags: 2 },
    { address: '2.2.2.2', port: 2, flags: 0 },
  ]);
});

test('port 0 and the unspecified address are nobody, and do not shift the flags of the others', () => {
  const added = Uint8Array.from([1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 7, 4, 4, 4, 4, 0, 4]);
  const decoded = decodePexMessage(bencode({ added, 'added.f': Uint8Array.from([1, 2, 16]) }));
  expect(decoded?.added).toEqual([{ address: '4.4.4.4', port: 4, flags: PEX_REACHABLE }]);
});

test('PEX_INITIAL_PEERS_MAX contacts of a list are read, and no more', () => {
  const contacts = (count: number): Uint8Array => new Uint8Array(count * 6).fill(1);
  for (const [count, read] of [
    [PEX_INITIAL_PEERS_MAX - 1, PEX_INITIAL_PEERS_MAX - 1],
    [PEX_INITIAL_PEERS_MAX, PEX_INITIAL_PEERS_MAX],
    [PEX_INITIAL_PEERS_MAX + 1, PEX_INITIAL_PEERS_MAX],
  ] as const) {
    const message = decodePexMessage(bencode({ added: contacts(count), dropped: contacts(count) }))!;
    expect([message.added.length, message.dropped.length]).toEqual([read, read]);
  }
});

test('a message of PEX_MESSAGE_MAX_BYTES is read, a longer one is not', () => {
  const withFiller = (length: number): Uint8Array => {
    const empty = bencode({ x: new Uint8Array(length - 20) }).length;
    return bencode({ x: new Uint8Array(length - 20 + (length - empty)) });
  };
  expect(withFiller(PEX_MESSAGE_MAX_BYTES)).toHaveLength(PEX_MESSAGE_MAX_BYTES);
  expect(decodePexMessage(withFiller(PEX_MESSAGE_MAX_BYTES))).toEqual({ added: [], dropped: [] });
  expect(decodePexMessage(withFiller(PEX_MESSAGE_MAX_BYTES + 1))).toBeUndefined();
});

test('what is no dictionary is no message; a field of another type is as good as absent', () => {
  expect(decodePexMessage(encodeUtf8('le'))).toBeUndefined();
  expect(decodePexMessage(encodeUtf8('d5:addedi7e7:droppedlee'))).toEqual({ added: [], dropped: [] });
});

test('random bytes never throw', () => {
  const random = seededRandom(11);
  for (let round = 0; round < 2_000; round++) {
    const bytes = encodePexMessage(MESSAGE);
    for (let i = randomBelow(random, 8); i >= 0; i--)
      bytes[randomBelow(random, bytes.length)] = randomBelow(random, 256);
    decodePexMessage(bytes);
  }
});
