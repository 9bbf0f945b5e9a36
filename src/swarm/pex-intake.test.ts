import { expect, test } from 'vitest';
import { PEX_SEED, type PexPeer } from '../protocol/extensions/ut-pex.ts';
import {
  PEX_INITIAL_PEERS_MAX,
  PEX_PEERS_MAX,
  PEX_RECEIVED_BURST,
  PEX_RECEIVED_INTERVAL_MS,
  PEX_REMEMBERED_MAX,
} from '../protocol/limits.ts';
import { PexIntake, type PexNews } from './pex-intake.ts';

const CONTEXT = { address: '60.1.1.1', isComplete: false };

function peers(count: number, from = 0): PexPeer[] {
  return Array.from({ length: count }, (_, index) => ({
    address: `61.${(from + index) >> 8}.${(from + index) & 255}.1`,
    port: 6881,
    flags: 0,
  }));
}

/** A new peer 1 says all of these, a minute after each other. */
function tell(...lists: readonly (readonly PexPeer[])[]): PexNews[] {
  const intake = new PexIntake();
  return lists.map((added, index) => {
    expect(intake.countMessage(1, index * 60_000)).toBe(true);
    return intake.handleMessage(1, { added, dropped: [] }, CONTEXT);
  });
}

test('the first message may name PEX_INITIAL_PEERS_MAX of a family, later ones PEX_PEERS_MAX', () => {
  const [first] = tell(peers(PEX_INITIAL_PEERS_MAX));
  expect(first?.found).toHaveLength(PEX_INITIAL_PEERS_MAX);
  for (const [count, taken] of [
    [PEX_PEERS_MAX - 1, PEX_PEERS_MAX - 1],
    [PEX_PEERS_MAX, PEX_PEERS_MAX],
    [PEX_PEERS_MAX + 1, PEX_PEERS_MAX],
  ] as const) {
    expect(tell(peers(1), peers(count, 500))[1]?.found).toHaveLength(taken);
  }
});

test('one peer has PEX_REMEMBERED_MAX addresses standing at most; what it drops makes room', () => {
  const intake = new PexIntake();
  const say = (added: readonly PexPeer[], dropped: readonly PexPeer[], nowMs: number): number => {
    expect(intake.countMessage(1, nowMs)).toBe(true);
    return intake.handleMessage(1, { added, dropped }, CONTEXT).found.length;
  };
  expect(say(peers(PEX_REMEMBERED_MAX - 1), [], 0)).toBe(PEX_REMEMBERED_MAX - 1);
  expect(say(peers(3, 1_000), [], 60_000)).toBe(1);
  expect(say(peers(3, 2_000), [], 120_000)).toBe(0);
  expect(say(peers(3, 3_000), peers(2), 180_000)).toBe(2);
});

test('local addresses are believed of local peers alone, one public address counts once, and nobody is dialled on port 0', () => {
  const added: PexPeer[] = [
    { address: '127.0.0.1', port: 80, flags: 0 },
    { address: '192.168.0.1', port: 80, flags: 0 },
    { address: '239.1.1.1', port: 80, flags: 0 },
    { address: '8.8.8.8', port: 0, flags: 0 },
    { address: '8.8.8.8', port: 80, flags: 0 },
    { address: '8.8.8.8', port: 81, flags: 0 },
    { address: 'fe80::1', port: 81, flags: 0 },
  ];
  const foundFrom = (address: string): readonly string[] => {
    const intake = new PexIntake();
    intake.countMessage(1, 0);
    const { found } = intake.handleMessage(1, { added, dropped: [] }, { address, isComplete: false });
    return found.map((peer) => `${peer.address}:${peer.port}`);
  };
  expect(foundFrom('9.9.9.9')).toEqual(['8.8.8.8:80']);
  expect(foundFrom('10.0.0.1')).toEqual(['192.168.0.1:80', '8.8.8.8:80']);
  expect(foundFrom('127.0.0.1')).toEqual(['127.0.0.1:80', '8.8.8.8:80']);
});

test('who has everything has no use for seeds', () => {
  const intake = new PexIntake();
  intake.countMessage(1, 0);
  const added = [{ ...peers(1)[0]!, flags: PEX_SEED }, ...peers(1, 9)];
  const { found } = intake.handleMessage(1, { added, dropped: [] }, { ...CONTEXT, isComplete: true });
  expect(found).toEqual(peers(1, 9));
});

test('an address is withdrawn when the last that told of it takes it back; others cannot', () => {
  const intake = new PexIntake();
  const [peer] = peers(1);
  const say = (id: number, added: readonly PexPeer[], dropped: readonly PexPeer[], nowMs: number): number => {
    intake.countMessage(id, nowMs);
    return intake.handleMessage(id, { added, dropped }, CONTEXT).withdrawn.length;
  };
  say(1, [peer!], [], 0);
  expect(say(2, [], [peer!], 0)).toBe(0);
  say(3, [peer!], [], 0);
  expect(say(1, [], [peer!], 60_000)).toBe(0);
  expect(say(3, [], [peer!], 60_000)).toBe(1);
  say(1, [peer!], [], 120_000);
  say(3, [peer!], [], 120_000);
  intake.remove(3);
  expect(say(1, [], [peer!], 180_000)).toBe(1);
});

test('PEX_RECEIVED_BURST messages may come at once, one more is a flood; one a minute never is', () => {
  const intake = new PexIntake();
  for (let i = 1; i <= PEX_RECEIVED_BURST; i++) expect(intake.countMessage(1, 1_000)).toBe(true);
  expect(intake.countMessage(1, 1_000)).toBe(false);
  const steady = new PexIntake();
  for (let i = 0; i < 100; i++) expect(steady.countMessage(1, i * 60_000)).toBe(true);
  const hasty = new PexIntake();
  let allowed = 0;
  while (hasty.countMessage(1, allowed * (PEX_RECEIVED_INTERVAL_MS / 2))) allowed++;
  expect(allowed).toBe(PEX_RECEIVED_BURST * 2 - 1);
});
