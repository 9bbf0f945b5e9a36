// Goal: a peer that could give is asked, one that only refuses is not asked without end. Method: one real leecher and
// scripted peers in a simulated world.
import { expect, test } from 'vitest';
import { nodeCrypto } from '../../../sim/testing/node-crypto.ts';
import type { FakeConnection, FakePeerScript } from '../../../sim/world/fake-peer.ts';
import type { RawMessage } from '../../../sim/world/raw-wire.ts';
import * as wire from '../../../sim/world/raw-wire.ts';
import type { SimContent } from '../../../sim/world/sim-content.ts';
import type { SimPeer } from '../../../sim/world/sim-peer.ts';
import { SimWorld } from '../../../sim/world/sim-world.ts';
import { bytesEqual } from '../../base/bytes.ts';

const PORT = 6881;

function worldOf(options: { pieceCount?: number; files?: readonly number[] } = {}): {
  world: SimWorld;
  content: SimContent;
  leecher: SimPeer;
  connect(script: FakePeerScript, reserved?: Uint8Array): FakeConnection;
} {
  const world = new SimWorld({ seed: 1, crypto: nodeCrypto(), link: { latencyMs: 10 } });
  const content = world.makeContent(options.files === undefined ? { pieceCount: options.pieceCount ?? 4 } : options);
  const leecher = world.addPeer({ content, torrent: { sequential: true } });
  world.run(100);
  return {
    world,
    content,
    leecher,
    connect: (script, reserved = wire.RESERVED_NOTHING) => {
      const fake = world.addFakePeer({ content, script, reserved, isListed: false });
      return fake.connect({ address: leecher.host.addresses[0]!, port: PORT });
    },
  };
}

function requestsOf(connection: FakeConnection): number {
  return connection.receivedIds.filter((id) => id === wire.REQUEST).length;
}

/** A seed that unchokes at once and leaves every request unanswered. */
const holding: FakePeerScript = { handleMessage: () => {} };

function finish(world: SimWorld, leecher: SimPeer, content: SimContent): void {
  world.runUntil('all is had', () => leecher.havePieceCount === content.pieceCount, { limitMs: 60_000 });
  expect(bytesEqual(leecher.readAll(), content.bytes)).toBe(true);
  world.finish();
  expect(world.problems).toEqual([]);
}

// The second peer has nothing but the first piece, which the first peer is asked for already; there is more that only
// the first has, so that it is not end game.
test.each([
  ['chokes us', (connection: FakeConnection) => connection.send(wire.rawMessage(wire.CHOKE))],
  ['leaves', (connection: FakeConnection) => connection.close()],
])('what a peer was asked for is asked of an idle one when the first %s', (_, giveUp) => {
  const { world, content, leecher, connect } = worldOf({ pieceCount: 40 });
  const first = connect(holding);
  world.run(1_000);
  expect(requestsOf(first)).toBeGreaterThan(0);
  const second = connect({
    handleHandshake: (connection) => {
      connection.send(wire.rawMessage(wire.HAVE, [0]), wire.rawMessage(wire.UNCHOKE));
    },
  });
  world.run(1_000);
  expect(requestsOf(second)).toBe(0);
  giveUp(first);
  world.run(1_000);
  expect(requestsOf(second)).toBe(2);
  first.close();
  connect({});
  finish(world, leecher, content);
});

test('an idle peer is asked as soon as its files are chosen', () => {
  const { world, content, leecher, connect } = worldOf({ files: [100_000, 100_000] });
  leecher.torrent.selectFiles([]);
  world.run(100);
  const seed = connect({});
  world.run(5_000);
  expect(leecher.torrent.state).toBe('seeding');
  expect(requestsOf(seed)).toBe(0);
  leecher.torrent.selectFiles([0]);
  world.run(1_000);
  expect(leecher.torrent.stats().haveBytes).toBe(100_000);
  leecher.torrent.selectFiles([0, 1]);
  finish(world, leecher, content);
});

test('requests for files that are deselected are cancelled, and the room is used for others at once', () => {
  const { world, content, leecher, connect } = worldOf({ files: [60_000, 200_000] });
  const cancelled: RawMessage[] = [];
  let isHolding = true;
  const held: RawMessage[] = [];
  const seed = connect({
    handleMessage: (connection, message) => {
      if (message.id === wire.CANCEL) cancelled.push(message);
      else if (isHolding) held.push(message);
      else connection.answerHonestly(message);
    },
  });
  world.run(1_000);
  leecher.torrent.selectFiles([0]);
  world.run(1_000);
  expect(cancelled.length).toBeGreaterThan(0);
  leecher.run.session.assertInvariants();
  isHolding = false;
  const wasCancelled = (message: RawMessage): boolean =>
    cancelled.some(({ payload }) => bytesEqual(payload, message.payload));
  for (const message of held) if (!wasCancelled(message)) seed.answerHonestly(message);
  world.run(2_000);
  expect(leecher.torrent.stats().haveBytes).toBe(60_000);
  leecher.torrent.selectFiles([0, 1]);
  finish(world, leecher, content);
});

test('a peer that does not choke us and refuses everything is not asked for ever', () => {
  const { world, content, leecher, connect } = worldOf();
  const refusing = connect(
    {
      handleHandshake: (connection) => connection.send(wire.rawMessage(wire.HAVE_ALL), wire.rawMessage(wire.UNCHOKE)),
      handleMessage: (connection, { id, payload }) => {
        if (id === wire.REQUEST) connection.send(wire.rawMessage(wire.REJECT, [], payload));
      },
    },
    wire.RESERVED_FAST_AND_EXTENSIONS,
  );
  world.run(60_000);
  expect(refusing.closedMs).toBeDefined();
  expect(requestsOf(refusing)).toBeGreaterThan(300);
  expect(requestsOf(refusing)).toBeLessThan(600);
  connect({});
  finish(world, leecher, content);
});

test('a piece that a choking peer allows and then refuses is not asked of it again while it chokes', () => {
  const { world, content, leecher, connect } = worldOf();
  const fickle = connect(
    {
      handleHandshake: (connection) => {
        connection.send(wire.rawMessage(wire.HAVE_ALL), wire.rawMessage(wire.ALLOWED_FAST, [2]));
      },
      handleMessage: (connection, { id, payload }) => {
        if (id === wire.REQUEST) connection.send(wire.rawMessage(wire.REJECT, [], payload));
      },
    },
    wire.RESERVED_FAST_AND_EXTENSIONS,
  );
  world.run(10_000);
  expect(requestsOf(fickle)).toBeGreaterThan(0);
  expect(requestsOf(fickle)).toBeLessThanOrEqual(4);
  expect(fickle.isOpen).toBe(true);
  connect({});
  finish(world, leecher, content);
});
