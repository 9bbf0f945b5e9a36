import { expect, test } from 'vitest';
import { randomBelow, seededRandom } from '../base/random.ts';
import type { PexPeer } from '../protocol/extensions/ut-pex.ts';
import { PEX_INTERVAL_MS, PEX_PEERS_MAX } from '../protocol/limits.ts';
import { endpointKey } from './dial-address.ts';
import { PeerExchange, type PexOutput } from './peer-exchange.ts';

function member(index: number): PexPeer {
  return { address: `60.${index >> 8}.${index & 255}.1`, port: 6881, flags: 0 };
}

function drain(exchange: PeerExchange, nowMs: number): PexOutput[] {
  const outputs: PexOutput[] = [];
  for (let output = exchange.poll(nowMs); output !== undefined; output = exchange.poll(nowMs)) outputs.push(output);
  return outputs;
}

test('a new receiver is told of everybody but itself, and then of nothing while nothing changes', () => {
  const exchange = new PeerExchange();
  for (let id = 1; id <= 3; id++) exchange.setMember(id, member(id), 0);
  exchange.addReceiver(1, member(1).address, 0);
  expect(exchange.poll(exchange.deadlineMs - 1)).toBeUndefined();
  expect(drain(exchange, exchange.deadlineMs)).toEqual([
    { peerId: 1, message: { added: [member(2), member(3)], dropped: [] } },
  ]);
  expect(exchange.deadlineMs).toBe(Number.POSITIVE_INFINITY);
});

test('changes are told a minute after the last message, together; who came and went between is not told of', () => {
  const exchange = new PeerExchange();
  exchange.setMember(2, member(2), 0);
  exchange.addReceiver(1, '60.0.0.9', 0);
  const firstMs = exchange.deadlineMs;
  drain(exchange, firstMs);
  exchange.setMember(3, member(3), firstMs + 1);
  exchange.setMember(4, member(4), firstMs + 2);
  exchange.remove(4, firstMs + 3);
  exchange.remove(2, firstMs + 4);
  expect(exchange.deadlineMs).toBe(firstMs + PEX_INTERVAL_MS);
  expect(drain(exchange, firstMs + PEX_INTERVAL_MS - 1)).toEqual([]);
  const [output] = drain(exchange, firstMs + PEX_INTERVAL_MS);
  const { address, port } = member(2);
  expect(output?.message).toEqual({ added: [member(3)], dropped: [{ address, port }] });
});

test('a peer that goes and comes back between two messages is neither dropped nor added', () => {
  const exchange = new PeerExchange();
  exchange.setMember(2, member(2), 0);
  exchange.addReceiver(1, '60.0.0.9', 0);
  drain(exchange, exchange.deadlineMs);
  exchange.remove(2, 10_000);
  exchange.setMember(7, member(2), 20_000);
  expect(drain(exchange, exchange.deadlineMs)).toEqual([]);
});

test('the first message is whole, later ones add PEX_PEERS_MAX and drop as many, and the rest follows', () => {
  const exchange = new PeerExchange();
  const count = PEX_PEERS_MAX + 1;
  for (let id = 1; id <= count; id++) exchange.setMember(id, member(id), 0);
  exchange.addReceiver(0, '60.0.0.9', 0);
  const [first] = drain(exchange, exchange.deadlineMs);
  expect(first?.message.added).toHaveLength(count);
  for (let id = 1; id <= count; id++) exchange.remove(id, 5_000);
  for (let id = 1; id <= count; id++) exchange.setMember(1_000 + id, member(1_000 + id), 5_000);
  const [second] = drain(exchange, exchange.deadlineMs);
  expect([second?.message.added.length, second?.message.dropped.length]).toEqual([PEX_PEERS_MAX, PEX_PEERS_MAX]);
  const [third] = drain(exchange, exchange.deadlineMs);
  expect([third?.message.added.length, third?.message.dropped.length]).toEqual([1, 1]);
  expect(exchange.deadlineMs).toBe(Number.POSITIVE_INFINITY);
});

test('local addresses are told on the local network alone, loopback ones on this machine alone', () => {
  const exchange = new PeerExchange();
  const addresses = ['8.8.4.4', '192.168.1.2', '127.0.0.1', '169.254.1.1', 'fe80::1', 'fd00::1', '2600::1'];
  for (const [id, address] of addresses.entries()) exchange.setMember(id, { address, port: 1, flags: 0 }, 0);
  const toldTo = (receiver: string): readonly string[] => {
    exchange.addReceiver(100, receiver, 0);
    const [output] = drain(exchange, exchange.deadlineMs);
    exchange.remove(100, 0);
    return output!.message.added.map(({ address }) => address);
  };
  expect(toldTo('9.9.9.9')).toEqual(['8.8.4.4', '2600::1']);
  expect(toldTo('10.0.0.7')).toEqual(['8.8.4.4', '192.168.1.2', 'fd00::1', '2600::1']);
  expect(toldTo('127.0.0.1')).toEqual(['8.8.4.4', '127.0.0.1', '2600::1']);
});

test('whatever happens, what a receiver was told adds up to who is connected, and no message breaks a rule', () => {
  const random = seededRandom(5);
  const exchange = new PeerExchange();
  const believed = new Map<number, Map<string, number>>();
  const members = new Map<number, PexPeer>();
  let lastMs = new Map<number, number>();
  let nowMs = 0;
  for (let step = 0; step < 3_000; step++) {
    nowMs += randomBelow(random, 4_000);
    const id = randomBelow(random, 120);
    const dice = randomBelow(random, 4);
    if (dice === 0) {
      exchange.setMember(id, member(id), nowMs);
      members.set(id, member(id));
    } else if (dice === 1) {
      exchange.addReceiver(id, '60.0.0.9', nowMs);
      if (!believed.has(id)) believed.set(id, new Map());
    } else {
      exchange.remove(id, nowMs);
      members.delete(id);
      believed.delete(id);
      lastMs.delete(id);
    }
    for (const { peerId, message } of drain(exchange, nowMs)) {
      const isFirst = !lastMs.has(peerId);
      if (!isFirst) expect(nowMs - lastMs.get(peerId)!).toBeGreaterThanOrEqual(PEX_INTERVAL_MS);
      lastMs.set(peerId, nowMs);
      const mind = believed.get(peerId)!;
      const keys = [...message.dropped, ...message.added].map(endpointKey);
      expect(new Set(keys).size).toBe(keys.length);
      expect(keys.length).toBeGreaterThan(0);
      if (!isFirst) expect(message.added.length).toBeLessThanOrEqual(PEX_PEERS_MAX);
      expect(message.dropped.length).toBeLessThanOrEqual(PEX_PEERS_MAX);
      for (const dropped of message.dropped) expect(mind.delete(endpointKey(dropped))).toBe(true);
      for (const added of message.added) {
        expect(mind.has(endpointKey(added))).toBe(false);
        mind.set(endpointKey(added), 1);
      }
    }
  }
  for (let round = 0; round < 5; round++) {
    nowMs += PEX_INTERVAL_MS;
    for (const { peerId, message } of drain(exchange, nowMs)) {
      for (const dropped of message.dropped) believed.get(peerId)!.delete(endpointKey(dropped));
      for (const added of message.added) believed.get(peerId)!.set(endpointKey(added), 1);
    }
  }
  lastMs = new Map();
  expect(believed.size).toBeGreaterThan(0);
  for (const [peerId, mind] of believed) {
    const others = [...members].filter(([id]) => id !== peerId).map(([, peer]) => endpointKey(peer));
    expect([...mind.keys()].sort()).toEqual(others.sort());
  }
});
