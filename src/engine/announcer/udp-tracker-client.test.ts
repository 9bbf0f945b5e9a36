import { expect, test } from 'vitest';
import { seededRandom } from '../../base/random.ts';
import type { AnnounceRequest } from '../../protocol/tracker/announce.ts';
import { VirtualWorld } from './testing/virtual-world.ts';
import { UdpTrackerClient } from './udp-tracker-client.ts';

const REQUEST: AnnounceRequest = {
  infoHash: new Uint8Array(20),
  peerId: new Uint8Array(20),
  port: 6881,
  uploadedBytes: 0,
  downloadedBytes: 0,
  leftBytes: 0,
  event: 'started',
  key: 0,
  numWant: 50,
};

function rig(localAddress?: string): {
  world: VirtualWorld;
  client: UdpTrackerClient;
  ask(address: string, port?: number, timeoutMs?: number): string[];
} {
  const world = new VirtualWorld();
  const { clock } = world;
  const log = { write: () => {} };
  const client = new UdpTrackerClient({ clock, network: world, random: seededRandom(1), log, localAddress });
  const ask = (address: string, port = 80, timeoutMs = 30_000): string[] => {
    const results: string[] = [];
    client.announce(
      { remote: { address, port }, request: REQUEST, urlData: '/announce', timeoutMs },
      {
        handleResponse: (response) => results.push(`peers ${response.peers.map((peer) => peer.address).join(' ')}`),
        handleFailed: (message, isRefusal) => results.push(`${isRefusal ? 'refused' : 'failed'}: ${message}`),
      },
    );
    expect(results).toEqual([]);
    return results;
  };
  return { world, client, ask };
}

test('one socket a family; replies find the exchange they belong to', () => {
  const { world, client, ask } = rig();
  const ipv4 = world.addTracker('192.0.2.1', 80);
  const ipv6 = world.addTracker('2001:db8::1', 80);
  const otherPort = world.addTracker('192.0.2.1', 81);
  ipv4.peers = Uint8Array.of(192, 0, 2, 9, 0, 80);
  ipv6.peers = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 80);
  otherPort.peers = Uint8Array.of(192, 0, 2, 10, 0, 80);
  const results = [ask('192.0.2.1'), ask('2001:db8::1'), ask('192.0.2.1', 81)];
  world.clock.pass(1_000);
  expect(results).toEqual([['peers 192.0.2.9'], ['peers 2001:db8::9'], ['peers 192.0.2.10']]);
  expect(world.bound.map((options) => options.address)).toEqual(['0.0.0.0', '::']);
  expect(new TextDecoder().decode(ipv4.announces[0]!.subarray(98))).toBe('\u0002\u0009/announce');
  client.close();
  client.close();
  expect(world.openSocketCount).toBe(0);
  expect(world.clock.timerCount).toBe(0);
});

test('a connection id serves the exchanges of a minute', () => {
  const { world, ask } = rig();
  const tracker = world.addTracker('192.0.2.1', 80);
  ask('192.0.2.1');
  world.clock.pass(30_000);
  ask('192.0.2.1');
  world.clock.pass(31_000);
  ask('192.0.2.1');
  world.clock.pass(1_000);
  expect(tracker.log).toEqual(['connect', 'announce', 'announce', 'connect', 'announce']);
});

test('a tracker that restarted is connected to again', () => {
  const { world, ask } = rig();
  const tracker = world.addTracker('192.0.2.1', 80);
  ask('192.0.2.1');
  world.clock.pass(1_000);
  tracker.connectionId = new Uint8Array(8).fill(9);
  const results = ask('192.0.2.1');
  world.clock.pass(1_000);
  expect(results).toEqual(['peers ']);
  expect(tracker.log).toEqual(['connect', 'announce', 'announce', 'connect', 'announce']);
});

test('silence ends with the time-out, after a retransmission', () => {
  const { world, ask } = rig();
  const tracker = world.addTracker('192.0.2.1', 80);
  tracker.mood = 'silent';
  const results = ask('192.0.2.1');
  world.clock.pass(29_999);
  expect(results).toEqual([]);
  expect(tracker.log).toEqual(['connect', 'connect']);
  world.clock.pass(1);
  expect(results).toEqual(['failed: The tracker does not answer.']);
  expect(world.clock.timerCount).toBe(0);
});

test('a lost datagram costs 15 s, not the announce', () => {
  const { world, ask } = rig();
  const tracker = world.addTracker('192.0.2.1', 80);
  tracker.mood = 'silent';
  const results = ask('192.0.2.1');
  world.clock.pass(10_000);
  tracker.mood = 'well';
  world.clock.pass(6_000);
  expect(results).toEqual(['peers ']);
});

test.each([
  { address: '192.0.2.1', port: 81 },
  { address: '192.0.2.2', port: 80 },
  { address: '2001:db8::1', port: 80 },
])('a right reply from the wrong place ($address $port) is not believed', (repliesFrom) => {
  const { world, ask } = rig();
  const tracker = world.addTracker('192.0.2.1', 80);
  tracker.repliesFrom = repliesFrom;
  const results = ask('192.0.2.1');
  world.clock.pass(30_000);
  expect(results).toEqual(['failed: The tracker does not answer.']);
  expect(tracker.log).toEqual(['connect', 'connect']);
});

test('a refusal is told from a failure', () => {
  const { world, ask } = rig();
  world.addTracker('192.0.2.1', 80).mood = { error: 'not here' };
  const results = ask('192.0.2.1');
  world.clock.pass(1_000);
  expect(results).toEqual(['refused: not here']);
});

test('without a socket every exchange of that family fails, and binding is tried again later', () => {
  const { world, ask } = rig();
  world.addTracker('2001:db8::1', 80);
  world.addTracker('192.0.2.1', 80);
  world.missingFamilies.add(6);
  const results = [ask('2001:db8::1'), ask('192.0.2.1')];
  world.clock.pass(1_000);
  expect(results).toEqual([['failed: No UDP socket: none'], ['peers ']]);
  const second = ask('2001:db8::1');
  world.clock.pass(0);
  expect(second).toEqual(['failed: No UDP socket for IPv6.']);
  world.missingFamilies.clear();
  world.clock.pass(10_000);
  const third = ask('2001:db8::1');
  world.clock.pass(1_000);
  expect(third).toEqual(['peers ']);
});

test('a bound session announces from its address, over its family only', () => {
  const { world, client, ask } = rig('192.0.2.77');
  world.addTracker('192.0.2.1', 80);
  expect(client.canReach('192.0.2.1')).toBe(true);
  expect(client.canReach('2001:db8::1')).toBe(false);
  const results = [ask('192.0.2.1'), ask('2001:db8::1')];
  world.clock.pass(1_000);
  expect(results[0]).toEqual(['peers ']);
  expect(results[1]![0]).toMatch(/^failed: /);
  expect(world.bound).toEqual([{ address: '192.0.2.77', port: 0 }]);
});

test('nothing is said after cancel or close', () => {
  const { world, client, ask } = rig();
  world.addTracker('192.0.2.1', 80);
  const open = ask('192.0.2.1');
  client.close();
  world.clock.pass(60_000);
  expect(open).toEqual([]);
  const late = ask('192.0.2.1');
  world.clock.pass(1);
  expect(late).toEqual(['failed: The session is closed.']);
});
