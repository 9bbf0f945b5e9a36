import { expect, test } from 'vitest';
import { networkOf, peerPriority } from './peer-priority.ts';

function priorityOf(own: string, peer: string, ownPort = 6881, peerPort = 6881): number {
  return peerPriority({ address: own, port: ownPort }, { address: peer, port: peerPort });
}

// The examples of BEP 40.
test('both sides arrive at the priority of the specification', () => {
  expect(priorityOf('123.213.32.10', '98.76.54.32')).toBe(0xec2d7224);
  expect(priorityOf('98.76.54.32', '123.213.32.10')).toBe(0xec2d7224);
  expect(priorityOf('123.213.32.10', '123.213.32.234')).toBe(0x99568189);
  expect(priorityOf('123.213.32.234', '123.213.32.10')).toBe(0x99568189);
});

test('the mask lets more bits count the more two addresses share', () => {
  // Of another /16, the bits of 0xaa do not count.
  expect(priorityOf('1.2.3.4', '9.8.16.4')).toBe(priorityOf('1.2.3.4', '9.8.178.4'));
  // In the same /16 all bits of the third byte count, and in the same /24 all bits of the last.
  expect(priorityOf('1.2.3.4', '1.2.16.4')).not.toBe(priorityOf('1.2.3.4', '1.2.178.4'));
  expect(priorityOf('1.2.3.4', '1.2.16.16')).toBe(priorityOf('1.2.3.4', '1.2.16.178'));
  expect(priorityOf('1.2.3.4', '1.2.3.16')).not.toBe(priorityOf('1.2.3.4', '1.2.3.178'));
});

test('IPv6 begins with the first 48 bits and goes on by eight', () => {
  const own = '2001:db8:1:1111::1';
  expect(priorityOf(own, '2001:db8:2:1010::1')).toBe(priorityOf(own, '2001:db8:2:b2b2::1'));
  expect(priorityOf(own, '2001:db8:1:1010::1')).not.toBe(priorityOf(own, '2001:db8:1:b210::1'));
  expect(priorityOf(own, '2001:db8:1:1010::1')).toBe(priorityOf(own, '2001:db8:1:10b2::1'));
  expect(priorityOf(own, '2001:db8:1:1110::1')).not.toBe(priorityOf(own, '2001:db8:1:11b2::1'));
});

test('one address is told apart by its ports; two families have no order', () => {
  expect(priorityOf('1.2.3.4', '1.2.3.4', 1, 258)).toBe(priorityOf('1.2.3.4', '1.2.3.4', 258, 1));
  expect(priorityOf('1.2.3.4', '1.2.3.4', 1, 258)).not.toBe(priorityOf('1.2.3.4', '1.2.3.4', 1, 259));
  expect(priorityOf('1.2.3.4', '2001:db8::1')).toBe(0);
  expect(priorityOf('1.2.3.4', 'nonsense')).toBe(0);
});

test('a network is a /24 or a /64', () => {
  expect(networkOf('1.2.3.4')).toBe(networkOf('1.2.3.255'));
  expect(networkOf('1.2.3.4')).not.toBe(networkOf('1.2.4.4'));
  expect(networkOf('2001:db8:1:2::1')).toBe(networkOf('2001:db8:1:2:ffff::1'));
  expect(networkOf('2001:db8:1:2::1')).not.toBe(networkOf('2001:db8:1:3::1'));
});
