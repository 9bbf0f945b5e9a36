// Goal: who is held back, and whose blocks of a bad piece are suspected. Method: pieces by hand.
import { expect, test } from 'vitest';
import { PEER_LIST_MAX } from '../protocol/limits.ts';
import { PeerTrust, PROVEN_BLOCKS, STRANGER_BLOCKS } from './peer-trust.ts';

const no = (): number => 0;
const times = <Item>(count: number, item: Item): Item[] => new Array<Item>(count).fill(item);

test('nobody is held back until a piece fails; then each good block allows one more, until the peer is proven', () => {
  const trust = new PeerTrust();
  expect(trust.unverifiedMax('a')).toBe(Number.POSITIVE_INFINITY);
  trust.handleVerifiedPiece(times(4, 'a'));
  expect(trust.handleFailedPiece(['b', 'c'], no)).toBeDefined();
  expect(trust.isAlert).toBe(true);
  expect(trust.unverifiedMax('a')).toBe(STRANGER_BLOCKS + 4);
  expect(trust.unverifiedMax('new')).toBe(STRANGER_BLOCKS);
  trust.handleVerifiedPiece(times(PROVEN_BLOCKS, 'a'));
  expect(trust.isProven('a')).toBe(true);
  expect(trust.unverifiedMax('a')).toBe(Number.POSITIVE_INFINITY);
});

test('the suspect has the fewest good blocks, the most failures, and of equals the smaller share', () => {
  const trust = new PeerTrust();
  trust.handleVerifiedPiece(times(PROVEN_BLOCKS, 'good'));
  trust.handleVerifiedPiece(times(3, 'some'));
  expect(trust.handleFailedPiece(['good', 'some', 'new', 'new'], no)).toBe('new');
  expect(trust.handleFailedPiece(['good', 'some'], no)).toBe('some');
  expect(trust.handleFailedPiece(['x', 'y', 'y'], no)).toBe('x');
  expect(trust.handleFailedPiece(['x', 'y', 'y'], (peer) => (peer === 'y' ? 1 : 0))).toBe('y');
});

test('who is suspected, or guilty, proves itself anew', () => {
  const trust = new PeerTrust();
  trust.handleVerifiedPiece(times(PROVEN_BLOCKS, 'a'));
  trust.handleVerifiedPiece(times(PROVEN_BLOCKS, 'b'));
  expect(trust.handleFailedPiece(['a', 'b', 'b'], no)).toBe('a');
  expect(trust.isProven('a')).toBe(false);
  expect(trust.isProven('b')).toBe(true);
  trust.handleGuilty(['b']);
  expect(trust.isNew('b')).toBe(true);
});

test('strangers by the thousand take no more memory', () => {
  const trust = new PeerTrust();
  for (let i = 0; i < 2 * PEER_LIST_MAX; i++) trust.handleVerifiedPiece([`peer ${i}`]);
  expect(trust.isNew('peer 0')).toBe(true);
  expect(trust.isNew(`peer ${2 * PEER_LIST_MAX - 1}`)).toBe(false);
});
