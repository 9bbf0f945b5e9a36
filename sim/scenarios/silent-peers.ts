// Peers that take connections or requests and give nothing: no handshake, no unchoke, no block.
import { RESERVED_FAST_AND_EXTENSIONS } from '../world/raw-wire.ts';
import { formatOf, type Scenario, untilSeeds } from './scenario.ts';

export const silentPeers: Scenario = {
  name: 'silent-peers',
  about: 'Peers that never send a handshake are let go after ten seconds, and the others serve.',
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 24 });
    const mute = [1, 2, 3].map(() => world.addFakePeer({ content, script: { handleOpen: () => {} } }));
    for (let i = 0; i < 3; i++) {
      // Addresses at which nobody ever answers.
      world.tracker.addPeer(content.infoHash, { address: `46.1.${i}.1`, port: 6881 });
    }
    world.addPeer({ content, has: 'all', link: { uploadBytesPerSecond: 40_000 } });
    const leecher = world.addPeer({ content });
    untilSeeds(world, [leecher], 60_000);
    world.run(15_000);
    for (const peer of mute) {
      for (const { openedMs, closedMs } of peer.connections) {
        world.check(closedMs !== undefined && closedMs - openedMs < 11_000, 'a mute peer was kept');
      }
    }
    world.check(
      mute.some(({ connections }) => connections.length > 0),
      'no mute peer was met',
    );
  },
};

export const unchokeNever: Scenario = {
  name: 'unchoke-never',
  about: 'Peers that have everything and never unchoke do not hold up a download from one that does.',
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 24 });
    const script = {
      handleHandshake: (connection: { sendFullBitfield(): void }): void => connection.sendFullBitfield(),
      handleMessage: (): void => {},
    };
    for (let i = 0; i < 6; i++) world.addFakePeer({ content, script });
    const leecher = world.addPeer({ content });
    world.run(90_000);
    world.check(leecher.havePieceCount === 0, 'pieces came from nowhere');
    world.addPeer({ content, has: 'all' });
    untilSeeds(world, [leecher], 240_000);
  },
};

export const stallingPeers: Scenario = {
  name: 'stalling-peers',
  about: 'Requests that a peer takes and never answers are asked of another; the staller is snubbed, not believed.',
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 32 });
    const script = { handleMessage: (): void => {} };
    for (let i = 0; i < 5; i++) {
      world.addFakePeer({ content, script, reserved: RESERVED_FAST_AND_EXTENSIONS });
    }
    world.addPeer({ content, has: 'all', link: { uploadBytesPerSecond: 100_000 } });
    const leecher = world.addPeer({ content });
    // 1 MiB at 100 kB/s, and the time-outs of what the stallers were asked first.
    untilSeeds(world, [leecher], 120_000);
    const { wastedBytes } = leecher.torrent.stats();
    world.check(wastedBytes < content.bytes.length / 10, `${wastedBytes} bytes wasted`);
  },
};
