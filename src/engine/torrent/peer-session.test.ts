// Goal: what one peer can cost us is bounded, and our own slowness is not held against it. Method: one real torrent, one
// scripted peer in a simulated world.
import { expect, test } from 'vitest';
import { nodeCrypto } from '../../../sim/testing/node-crypto.ts';
import type { FakeConnection, FakePeerScript } from '../../../sim/world/fake-peer.ts';
import * as wire from '../../../sim/world/raw-wire.ts';
import type { SimPeer } from '../../../sim/world/sim-peer.ts';
import { SimWorld } from '../../../sim/world/sim-world.ts';
import { encodeUtf8 } from '../../base/bytes.ts';
import { EXTENSION_IDS } from '../../protocol/extensions/extension-handshake.ts';
import {
  BLOCK_BYTES,
  INVALID_REQUESTS_MAX,
  METADATA_SENDING_MAX_BYTES,
  SEND_STALL_MS,
  UNWRITTEN_TOTAL_MAX_BYTES,
} from '../../protocol/limits.ts';

const MINUTE_MS = 60_000;

interface Meeting {
  readonly world: SimWorld;
  readonly peer: SimPeer;
  readonly connection: FakeConnection;
}

function meet(options: {
  has: 'all' | 'nothing';
  script: FakePeerScript;
  pieceCount?: number;
  pieceLengthBytes?: number;
}): Meeting {
  const { has, script, pieceCount = 64, pieceLengthBytes = 65_536 } = options;
  const world = new SimWorld({ seed: 1, crypto: nodeCrypto(), link: { latencyMs: 5 } });
  const content = world.makeContent({ pieceCount, pieceLengthBytes });
  const peer = world.addPeer({ content, has });
  world.run(1_000);
  const reserved = wire.RESERVED_FAST_AND_EXTENSIONS;
  const fake = world.addFakePeer({ content, script, reserved, isListed: false });
  const connection = fake.connect({ address: peer.host.addresses[0]!, port: 6881 });
  return { world, peer, connection };
}

function keepAlive(connection: FakeConnection): void {
  connection.send(new Uint8Array(4));
  connection.after(MINUTE_MS, () => keepAlive(connection));
}

test('a peer that asks for blocks and does not read them is left, and its memory is free again', () => {
  const { world, peer, connection } = meet({
    has: 'all',
    script: {
      handleHandshake: (opened) => {
        opened.send(wire.rawMessage(wire.HAVE_NONE), wire.rawMessage(wire.INTERESTED));
        keepAlive(opened);
      },
      handleMessage: (opened, { id }) => {
        if (id !== wire.UNCHOKE) return;
        opened.socket.pause();
        for (let block = 0; block < 200; block++) {
          opened.send(wire.rawMessage(wire.REQUEST, [block >> 2, (block & 3) * BLOCK_BYTES, BLOCK_BYTES]));
        }
      },
    },
  });
  world.run(SEND_STALL_MS / 2);
  expect(peer.run.session.memoryInUse().sendBytes).toBeGreaterThan(0);
  expect(peer.torrent.peers()).toHaveLength(1);
  world.run(SEND_STALL_MS);
  expect(peer.torrent.peers()).toHaveLength(0);
  expect(peer.run.session.memoryInUse().sendBytes).toBe(0);
  connection.close();
});

test('requests for pieces that we never claimed to have are borne INVALID_REQUESTS_MAX times', () => {
  const request = (count: number): FakePeerScript => ({
    handleHandshake: (opened) => {
      opened.send(wire.rawMessage(wire.HAVE_NONE), wire.rawMessage(wire.INTERESTED));
    },
    handleMessage: (opened, { id }) => {
      if (id !== wire.UNCHOKE) return;
      for (let i = 0; i < count; i++) opened.send(wire.rawMessage(wire.REQUEST, [i % 64, 0, BLOCK_BYTES]));
    },
  });
  const patient = meet({ has: 'nothing', script: request(INVALID_REQUESTS_MAX) });
  patient.world.run(20_000);
  expect(patient.connection.isOpen).toBe(true);
  expect(patient.connection.receivedIds.filter((id) => id === wire.REJECT)).toHaveLength(INVALID_REQUESTS_MAX);
  const angry = meet({ has: 'nothing', script: request(INVALID_REQUESTS_MAX + 1) });
  angry.world.run(20_000);
  expect(angry.connection.isOpen).toBe(false);
  expect(angry.peer.torrent.violationCounts.get('WIRE_REQUESTS_TOO_MANY_INVALID')).toBe(1);
});

test('a flood of requests for metadata is answered with little memory', () => {
  const handshake = encodeUtf8('\0d1:md11:ut_metadatai3eee');
  const request = encodeUtf8(`${String.fromCharCode(EXTENSION_IDS.ut_metadata)}d8:msg_typei0e5:piecei0ee`);
  const { world, peer, connection } = meet({
    has: 'all',
    // 16 KiB of metadata and more.
    pieceCount: 2_000,
    pieceLengthBytes: 16_384,
    script: {
      handleHandshake: (opened) => {
        opened.socket.pause();
        opened.send(wire.rawMessage(wire.HAVE_NONE), wire.rawMessage(wire.EXTENDED, [], handshake));
        for (let i = 0; i < 5_000; i++) opened.send(wire.rawMessage(wire.EXTENDED, [], request));
        opened.after(5_000, () => opened.socket.resume());
      },
    },
  });
  world.run(MINUTE_MS);
  expect(peer.torrent.state).toBe('seeding');
  // The answers that carry metadata, and a refusal of some forty bytes for each of the others.
  expect(connection.receivedBytes).toBeLessThan(3 * METADATA_SENDING_MAX_BYTES + 5_000 * 60);
  expect(connection.receivedBytes).toBeGreaterThan(16_384);
});

// The scripted seed has patience without end; the time that passes is ours.
test('a disk that stands still for minutes costs no peer', () => {
  const { world, peer, connection } = meet({ has: 'nothing', script: {}, pieceCount: 90, pieceLengthBytes: 1_048_576 });
  world.runUntil('it begins', () => peer.havePieceCount > 2, { limitMs: MINUTE_MS });
  peer.run.disk.faults.slowness = Number.POSITIVE_INFINITY;
  world.run(5 * MINUTE_MS);
  expect(peer.run.disk.pendingWriteBytes).toBeGreaterThanOrEqual(UNWRITTEN_TOTAL_MAX_BYTES);
  expect(connection.isOpen).toBe(true);
  peer.run.disk.faults.slowness = 1;
  world.runUntil('it ends', () => peer.isSeed, { limitMs: MINUTE_MS });
  expect(peer.torrent.stats().wastedBytes).toBe(0);
  expect(connection.peer.connections).toHaveLength(1);
  world.finish();
  expect(world.problems).toEqual([]);
});
