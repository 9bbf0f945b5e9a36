// Goal: what peers tell of others is believed within bounds, and what we tell is only who can be met. Method: one real
// torrent and scripted peers in a simulated world.
import { expect, test } from 'vitest';
import { nodeCrypto } from '../../../sim/testing/node-crypto.ts';
import type { FakeConnection } from '../../../sim/world/fake-peer.ts';
import * as wire from '../../../sim/world/raw-wire.ts';
import type { SimPeer } from '../../../sim/world/sim-peer.ts';
import { SimWorld } from '../../../sim/world/sim-world.ts';
import { concatBytes, encodeUtf8 } from '../../base/bytes.ts';
import { EXTENSION_IDS } from '../../protocol/extensions/extension-handshake.ts';
import {
  decodePexMessage,
  encodePexMessage,
  PEX_REACHABLE,
  type PexMessage,
} from '../../protocol/extensions/ut-pex.ts';
import { PEX_INTERVAL_MS, PEX_RECEIVED_BURST } from '../../protocol/limits.ts';
import type { SessionOptions } from '../api.ts';

const THEIR_PEX = 7;

interface Meeting {
  readonly world: SimWorld;
  readonly peer: SimPeer;
  /** Connects one more; `listenPort`: what it says in `p`. */
  meet(listenPort?: number): Met;
}

interface Met {
  readonly connection: FakeConnection;
  readonly address: string;
  readonly heard: PexMessage[];
  /** Extension messages that we offered it. */
  readonly offers: string[];
}

function meeting(session: SessionOptions = {}): Meeting {
  const world = new SimWorld({ seed: 3, crypto: nodeCrypto(), link: { latencyMs: 5 } });
  const content = world.makeContent({ pieceCount: 4, trackers: [] });
  const peer = world.addPeer({ content, session });
  world.run(1_000);
  return {
    world,
    peer,
    meet: (listenPort) => {
      const heard: PexMessage[] = [];
      const offers: string[] = [];
      const port = listenPort === undefined ? '' : `1:pi${listenPort}e`;
      const fake = world.addFakePeer({
        content,
        isListed: false,
        reserved: wire.RESERVED_FAST_AND_EXTENSIONS,
        script: {
          handleHandshake: (connection) => {
            const handshake = encodeUtf8(`\0d1:md6:ut_pexi${THEIR_PEX}ee${port}e`);
            connection.send(wire.rawMessage(wire.HAVE_NONE), wire.rawMessage(wire.EXTENDED, [], handshake));
          },
          handleMessage: (_connection, { id, payload }) => {
            if (id !== wire.EXTENDED) return;
            if (payload[0] === 0) offers.push(new TextDecoder().decode(payload));
            if (payload[0] === THEIR_PEX) heard.push(decodePexMessage(payload.subarray(1))!);
          },
        },
      });
      const connection = fake.connect({ address: peer.host.addresses[0]!, port: 6881 });
      return { connection, address: fake.host.addresses[0]!, heard, offers };
    },
  };
}

function pex(message: PexMessage): Uint8Array {
  return wire.rawMessage(
    wire.EXTENDED,
    [],
    concatBytes([Uint8Array.of(EXTENSION_IDS.ut_pex), encodePexMessage(message)]),
  );
}

test('peers are told of those that said where they listen, and of their end a minute later', () => {
  const { world, meet } = meeting();
  const [first, second, silent] = [meet(1_001), meet(1_002), meet()];
  world.run(5_000);
  const contact = { address: second.address, port: 1_002 };
  expect(first.heard).toEqual([{ added: [{ ...contact, flags: 0 }], dropped: [] }]);
  expect(silent.heard[0]?.added.map(({ port }) => port)).toEqual([1_001, 1_002]);
  second.connection.close();
  world.run(PEX_INTERVAL_MS);
  expect(first.heard.slice(1)).toEqual([{ added: [], dropped: [contact] }]);
});

test('addresses that a peer tells are dialled, count as found by it, and are told on as reachable', () => {
  const { world, peer, meet } = meeting();
  const other = world.addPeer({ content: peer.content, has: [0] });
  const [teller, listener] = [meet(), meet()];
  world.run(1_000);
  const address = other.host.addresses[0]!;
  teller.connection.send(pex({ added: [{ address, port: 6_881, flags: 0 }], dropped: [] }));
  world.run(10_000);
  expect(peer.torrent.peers().map(({ source }) => source)).toContain('pex');
  expect(peer.torrent.stats().peerSources).toMatchObject({ pex: 1, incoming: 2 });
  expect(listener.heard.flatMap(({ added }) => added)).toContainEqual({ address, port: 6_881, flags: PEX_REACHABLE });
});

test('with `pex: false` nothing is offered, told or believed', () => {
  const { world, peer, meet } = meeting({ pex: false });
  const [first, second] = [meet(1_001), meet(1_002)];
  world.run(1_000);
  const before = peer.host.dials.length;
  first.connection.send(pex({ added: [{ address: '77.1.1.1', port: 6_881, flags: 0 }], dropped: [] }));
  world.run(2 * PEX_INTERVAL_MS);
  expect([...first.heard, ...second.heard]).toEqual([]);
  expect(first.offers.join()).not.toContain('ut_pex');
  expect(peer.host.dials).toHaveLength(before);
});

test('PEX_RECEIVED_BURST messages at once are borne, and one more ends the connection', () => {
  const { world, peer, meet } = meeting();
  const [patient, flooding] = [meet(), meet()];
  world.run(1_000);
  const message = pex({ added: [], dropped: [{ address: '77.1.1.1', port: 1 }] });
  for (let i = 0; i < PEX_RECEIVED_BURST; i++) patient.connection.send(message);
  for (let i = 0; i <= PEX_RECEIVED_BURST; i++) flooding.connection.send(message);
  world.run(1_000);
  expect([patient.connection.isOpen, flooding.connection.isOpen]).toEqual([true, false]);
  expect(peer.torrent.violationCounts.get('WIRE_PEX_TOO_OFTEN')).toBe(1);
});
