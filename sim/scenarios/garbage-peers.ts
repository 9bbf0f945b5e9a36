// Peers that send whatever comes: random messages with random payloads, requests without end, and never a byte read.
import { type Random, randomBelow, randomBytes } from '../../src/base/random.ts';
import type { FakeConnection, FakePeerScript } from '../world/fake-peer.ts';
import * as wire from '../world/raw-wire.ts';
import { formatOf, type Scenario, untilSeeds } from './scenario.ts';

const IDS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14, 15, 16, 17, 20, 21, 22, 23, 77, 255];

/** Mostly well-formed, so that the next message is reached; often just outside what is allowed. */
function randomMessage(random: Random, pieceCount: number): Uint8Array {
  const id = IDS[randomBelow(random, IDS.length)]!;
  const number = (): number => {
    const kind = randomBelow(random, 8);
    if (kind === 0) return random.uint32();
    return kind === 1 ? 16_384 : randomBelow(random, pieceCount + 1);
  };
  const numberCount = [0, 1, 2, 3, 3][randomBelow(random, 5)]!;
  const numbers = Array.from({ length: numberCount }, number);
  const payload =
    randomBelow(random, 3) === 0 ? randomBytes(random, new Uint8Array(randomBelow(random, 200))) : undefined;
  return wire.rawMessage(id, numbers, payload);
}

function garbageScript(random: Random): FakePeerScript {
  return {
    handleHandshake(connection) {
      if (randomBelow(random, 2) === 0) connection.sendFullBitfield();
      const babble = (): void => {
        connection.send(randomMessage(random, connection.peer.content.pieceCount));
        connection.after(randomBelow(random, 400), babble);
      };
      babble();
    },
    handleMessage(connection, message) {
      if (randomBelow(random, 3) > 0) connection.answerHonestly(message);
    },
  };
}

export const garbagePeers: Scenario = {
  name: 'garbage-peers',
  about: 'Random messages break no invariant; honest peers complete.',
  link: { latencyMs: 20, bytesPerSecond: 100_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 45 });
    world.addPeer({ content, has: 'all' });
    const leechers = [1, 2].map(() => world.addPeer({ content }));
    for (let i = 0; i < 12; i++) {
      const script = garbageScript(world.random);
      const reserved = randomBelow(world.random, 2) === 0 ? wire.RESERVED_NOTHING : wire.RESERVED_FAST_AND_EXTENSIONS;
      const peer = world.addFakePeer({ content, script, reserved, link: { bytesPerSecond: 1_000_000 } });
      for (let again = 0; again < 6; again++) {
        const target = world.peers[randomBelow(world.random, world.peers.length)]!;
        const atMs = world.clock.nowMs + randomBelow(world.random, 20_000);
        const remote = { address: target.host.addresses[0]!, port: 6881 };
        world.clock.schedule(atMs, () => void peer.connect(remote));
      }
    }
    untilSeeds(world, leechers, 300_000);
  },
};

const FLOOD_REQUESTS = 3_000;

export const requestFlood: Scenario = {
  name: 'request-flood',
  about: 'A peer that asks for everything at once and reads nothing costs bounded memory; others are served.',
  link: { latencyMs: 20, bytesPerSecond: 500_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 40 });
    const seeder = world.addPeer({ content, has: 'all' });
    world.run(1_000);
    const remote = { address: seeder.host.addresses[0]!, port: 6881 };
    const flood = (connection: FakeConnection): void => {
      for (let i = 0; i < FLOOD_REQUESTS; i++) {
        connection.send(wire.rawMessage(wire.REQUEST, [i % (content.pieceCount - 1), (i % 2) * 16_384, 16_384]));
      }
    };
    const floods = [1, 2, 3].map(() => {
      const peer = world.addFakePeer({
        content,
        isListed: false,
        reserved: wire.RESERVED_FAST_AND_EXTENSIONS,
        script: {
          handleHandshake: (connection) => connection.send(wire.rawMessage(wire.INTERESTED)),
          handleMessage(connection, { id }) {
            if (id !== wire.UNCHOKE) return;
            flood(connection);
            connection.socket.pause();
          },
        },
      });
      peer.connect(remote);
      return peer;
    });
    const leecher = world.addPeer({ content });
    untilSeeds(world, [leecher], 120_000);
    const { sendBytes } = seeder.run.session.memoryInUse();
    world.check(sendBytes <= 8_000_000, `${sendBytes} bytes are held for peers that read nothing`);
    world.check(
      floods.every(({ connections }) => connections.length === 1),
      'a flood was not met',
    );
  },
};
