import { expect, test } from 'vitest';
import { isNeighbour } from './subnet.ts';

test.each([
  ['192.168.1.77', '192.168.1.2', 24, true],
  ['192.168.2.77', '192.168.1.2', 24, false],
  ['10.0.3.255', '10.0.0.1', 22, true],
  ['10.0.4.0', '10.0.0.1', 22, false],
  ['10.0.0.1', '10.0.0.1', 32, true],
  ['10.0.0.0', '10.0.0.1', 32, false],
  ['9.9.9.9', '10.0.0.1', 0, true],
  ['fd00:77::2', 'fd00:77::1', 64, true],
  ['fd00:77:0:1::2', 'fd00:77::1', 64, false],
  ['10.0.0.2', 'fd00:77::1', 0, false],
  ['nobody', '10.0.0.1', 0, false],
])('%s beside %s/%i: %s', (address, own, prefixBits, expected) => {
  expect(isNeighbour(address, [{ address: own, prefixBits }])).toBe(expected);
});
