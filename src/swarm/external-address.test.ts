import { describe, expect, test } from 'vitest';
import { EXTERNAL_ADDRESS_VOTES_MAX } from '../protocol/limits.ts';
import { ExternalAddress } from './external-address.ts';

const OURS = '198.51.7.7';
const LIE = '203.0.7.9';

/** A public address of the network with this number. */
function voter(index: number): string {
  return `60.${index >> 8}.${index & 255}.1`;
}

test('a tracker is believed at once, peers when enough of them agree', () => {
  const byTracker = new ExternalAddress();
  expect(byTracker.address(4)).toBeUndefined();
  expect(byTracker.vote(OURS, voter(1), 'tracker', 0)).toBe(true);
  expect([byTracker.address(4), byTracker.address(6), byTracker.changeCount]).toEqual([OURS, undefined, 1]);
  expect(byTracker.vote(OURS, voter(2), 'tracker', 0)).toBe(false);

  const byDialled = new ExternalAddress();
  expect(byDialled.vote(OURS, voter(1), 'dialled', 0)).toBe(false);
  expect(byDialled.vote(OURS, voter(2), 'dialled', 0)).toBe(true);

  const byAccepted = new ExternalAddress();
  for (let i = 1; i <= 3; i++) expect(byAccepted.vote(OURS, voter(i), 'accepted', 0)).toBe(false);
  expect(byAccepted.vote(OURS, voter(4), 'accepted', 0)).toBe(true);
});

test('one network has one vote, however often and from however many addresses it speaks', () => {
  const external = new ExternalAddress();
  for (let i = 1; i < 200; i++) external.vote(LIE, `60.0.1.${i}`, 'accepted', 0);
  expect(external.address(4)).toBeUndefined();
  for (let i = 0; i < 200; i++) external.vote(LIE, `2001:db8:1:2::${i.toString(16)}`, 'accepted', 0);
  expect(external.address(4)).toBeUndefined();
});

describe('a crowd of liars', () => {
  test('does not change what is believed while it weighs no more than those who are right', () => {
    const external = new ExternalAddress();
    for (let i = 0; i < 10; i++) external.vote(OURS, voter(i), 'dialled', 0);
    for (let i = 100; i < 120; i++) external.vote(LIE, voter(i), 'accepted', 0);
    expect(external.address(4)).toBe(OURS);
  });

  test('does not push out those who weigh more, however large it is', () => {
    const external = new ExternalAddress();
    for (let i = 0; i < EXTERNAL_ADDRESS_VOTES_MAX / 2; i++) external.vote(OURS, voter(i), 'dialled', 0);
    for (let i = 1_000; i < 9_000; i++) external.vote(LIE, voter(i), 'accepted', 0);
    expect(external.address(4)).toBe(OURS);
  });
});

test('after a change of address the votes of an hour ago do not count', () => {
  const external = new ExternalAddress();
  for (let i = 0; i < 50; i++) external.vote(OURS, voter(i), 'dialled', 0);
  const moved = '198.51.8.8';
  external.vote(moved, voter(60), 'dialled', 1_000);
  external.vote(moved, voter(61), 'dialled', 1_000);
  expect(external.address(4)).toBe(OURS);
  external.vote(moved, voter(61), 'dialled', 3_600_000);
  expect(external.address(4)).toBe(moved);
});

test('private addresses are nobody`s word on the Internet, and families are apart', () => {
  const external = new ExternalAddress();
  external.vote('192.168.1.2', voter(1), 'tracker', 0);
  external.vote(OURS, '10.0.0.1', 'tracker', 0);
  expect(external.address(4)).toBeUndefined();
  external.vote('2001:db8::5', voter(1), 'tracker', 0);
  expect([external.address(4), external.address(6)]).toEqual([undefined, '2001:db8::5']);
});
