// Strangers that hold connections and say one byte every nine seconds.
import { rawHandshake } from '../world/raw-wire.ts';
import { formatOf, type Scenario, untilSeeds } from './scenario.ts';

const STRANGER_COUNT = 60;

export const slowLoris: Scenario = {
  name: 'slow-loris',
  about: 'Sixty connections that dribble a handshake are ended after ten seconds each; a real peer still gets in.',
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 24 });
    const seeder = world.addPeer({ content, has: 'all' });
    world.run(1_000);
    const handshake = rawHandshake({ infoHash: content.infoHash, peerId: new Uint8Array(20).fill(0x41) });
    const remote = { address: seeder.host.addresses[0]!, port: 6881 };
    const strangers = Array.from({ length: STRANGER_COUNT }, () => {
      const stranger = world.addFakePeer({
        content,
        isListed: false,
        script: {
          handleOpen(connection) {
            let sent = 0;
            const dribble = (): void => {
              connection.send(handshake.subarray(sent, sent + 1));
              sent++;
              if (sent < handshake.length) connection.after(9_000, dribble);
            };
            dribble();
          },
          // Comes back at once, as often as it is sent away.
          handleClosed: () => void world.clock.schedule(world.clock.nowMs + 100, () => stranger.connect(remote)),
        },
      });
      stranger.connect(remote);
      return stranger;
    });
    world.run(12_000);
    const leecher = world.addPeer({ content, torrent: { trackers: [] } });
    const startedMs = world.clock.nowMs;
    untilSeeds(world, [leecher], 120_000);
    world.check(world.clock.nowMs - startedMs < 60_000, `a real peer took ${world.clock.nowMs - startedMs} ms`);
    for (const { connections } of strangers) {
      for (const { openedMs, closedMs } of connections) {
        const endMs = closedMs ?? world.clock.nowMs;
        world.check(endMs - openedMs < 11_000, `a stranger was kept for ${endMs - openedMs} ms`);
      }
    }
    const most = seeder.host.mostSockets;
    world.check(most <= STRANGER_COUNT * 2, `${most} sockets at once`);
  },
};
