// Torrents that have all they want: why they give no more than they do, and why each peer gets what it gets.
import type { FakeConnection, FakePeerScript } from '../world/fake-peer.ts';
import * as wire from '../world/raw-wire.ts';
import type { SimContent } from '../world/sim-content.ts';
import { expectDetail, expectReason } from './expect-reason.ts';
import { formatOf, type Scenario } from './scenario.ts';

const BLOCK_BYTES = 16_384;
/** As many as there are at first. */
const UPLOAD_SLOTS = 5;
const SILENT_PEERS = 9;

/** Says that it is interested; asks for nothing. */
const SILENT: FakePeerScript = {
  handleHandshake: (connection) => connection.send(wire.rawMessage(wire.INTERESTED)),
  handleMessage: () => {},
};

/** Asks for blocks without end, `depth` at a time, and keeps none of them. */
export function greedy(content: SimContent, depth: number): FakePeerScript {
  let next = 0;
  const ask = (connection: FakeConnection): void => {
    const blocksPerPiece = content.info.pieceLengthBytes / BLOCK_BYTES;
    // The last piece may be short.
    const blockIndex = next++ % ((content.pieceCount - 1) * blocksPerPiece);
    const begin = (blockIndex % blocksPerPiece) * BLOCK_BYTES;
    connection.send(wire.rawMessage(wire.REQUEST, [Math.floor(blockIndex / blocksPerPiece), begin, BLOCK_BYTES]));
  };
  return {
    handleHandshake: (connection) => connection.send(wire.rawMessage(wire.INTERESTED)),
    handleMessage(connection, { id }) {
      if (id === wire.UNCHOKE) for (let i = 0; i < depth; i++) ask(connection);
      else if (id === wire.PIECE) ask(connection);
    },
  };
}

export const whyNobodyTakes: Scenario = {
  name: 'why-nobody-takes',
  about: 'A seed that nobody knows, whose peers want nothing, or ask nothing, says which.',
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed) });
    const seeder = world.addPeer({ content, has: 'all' });
    expectReason(world, seeder, 'nobody-interested', { limitMs: 5_000, holdsMs: 2_000 });
    const remote = { address: seeder.host.addresses[0]!, port: 6881 };
    const join = (script: FakePeerScript): void => {
      world.addFakePeer({ content, script, isListed: false }).connect(remote);
      world.run(500);
    };
    join({ handleHandshake: () => {}, handleMessage: () => {} });
    expectReason(world, seeder, 'nobody-interested', { limitMs: 1, holdsMs: 1_000 });
    expectDetail(world, seeder, 'peerCount', 1);
    // Who does not ask takes no slot from others: there are as many as it needs.
    for (let i = 0; i < SILENT_PEERS; i++) join(SILENT);
    world.run(5_000);
    expectReason(world, seeder, 'nobody-asks', { limitMs: 1, holdsMs: 1_000 });
    expectDetail(world, seeder, 'peerCount', SILENT_PEERS);
    const { peers } = seeder.torrent.diagnosis();
    world.check(peers['not-interested'] === 1 && peers['asks-nothing'] === SILENT_PEERS, JSON.stringify(peers));
  },
};

export const whySlotsFull: Scenario = {
  name: 'why-slots-full',
  about: 'A seed whose slots are all in use says how many there are and how many peers wait for one.',
  link: { latencyMs: 30, bytesPerSecond: 200_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 40 });
    const seeder = world.addPeer({ content, has: 'all' });
    world.run(1_000);
    const remote = { address: seeder.host.addresses[0]!, port: 6881 };
    for (let i = 0; i < UPLOAD_SLOTS + 2; i++) {
      world.addFakePeer({ content, script: greedy(content, 32), isListed: false }).connect(remote);
    }
    world.run(3_000);
    for (let passedMs = 0; passedMs < 4_000; passedMs += 250) {
      world.run(250);
      expectReason(world, seeder, 'uploading', { limitMs: 1 });
      const full = seeder.torrent.diagnosis().further.find(({ code }) => code === 'slots-full');
      const { slotCount, waitingCount } = full?.details ?? {};
      world.check(slotCount === UPLOAD_SLOTS && waitingCount === 2, `slots: ${JSON.stringify(full)}`);
    }
  },
};

export const whyNothingWanted: Scenario = {
  name: 'why-nothing-wanted',
  about: 'A torrent of which nothing is wanted says so.',
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), files: [40_000, 50_000] });
    world.addPeer({ content, has: 'all' });
    const leecher = world.addPeer({ content, torrent: { files: [] } });
    expectReason(world, leecher, 'nothing-wanted', { limitMs: 10_000, holdsMs: 5_000 });
  },
};

export const whyUploadLimit: Scenario = {
  name: 'why-upload-limit',
  about: 'Which upload limit is in use is said as long as it is; without one the peers get what they ask for.',
  link: { latencyMs: 30, bytesPerSecond: 5_000_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 40 });
    const limits = [20_000, 60_000, 1_000_000];
    const seeders = [
      ...limits.map((maxUploadBytesPerSecond) =>
        world.addPeer({ content, has: 'all', session: { maxUploadBytesPerSecond } }),
      ),
      ...limits.map((maxUploadBytesPerSecond) =>
        world.addPeer({ content, has: 'all', torrent: { maxUploadBytesPerSecond } }),
      ),
    ];
    const free = world.addPeer({ content, has: 'all' });
    for (const seeder of [...seeders, free]) {
      const remote = { address: seeder.host.addresses[0]!, port: 6881 };
      for (let i = 0; i < 3; i++) {
        world.addFakePeer({ content, script: greedy(content, 32), isListed: false }).connect(remote);
      }
    }
    world.run(3_000);
    for (let passedMs = 0; passedMs < 4_000; passedMs += 250) {
      world.run(250);
      expectReason(world, free, 'uploading', { limitMs: 1 });
      for (const [index, seeder] of seeders.entries()) {
        const isSession = index < limits.length;
        expectReason(world, seeder, isSession ? 'upload-limit-session' : 'upload-limit-torrent', { limitMs: 1 });
        expectDetail(world, seeder, 'bytesPerSecond', limits[index % limits.length]!);
      }
    }
  },
};

export const whyDiskReads: Scenario = {
  name: 'why-disk-reads',
  about: 'A seed whose disk reads slower than its peers could take says so.',
  link: { latencyMs: 5, bytesPerSecond: 10_000_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 40 });
    const disk = { readBytesPerSecond: 200_000, hashBytesPerSecond: 1e9, threadCount: 1 };
    const seeder = world.addPeer({ content, has: 'all', disk, torrent: { verify: 'never' } });
    world.run(1_000);
    const remote = { address: seeder.host.addresses[0]!, port: 6881 };
    for (let i = 0; i < 3; i++) {
      world.addFakePeer({ content, script: greedy(content, 32), isListed: false }).connect(remote);
    }
    world.run(3_000);
    expectReason(world, seeder, 'disk-reads', { limitMs: 1, holdsMs: 4_000 });
  },
};
