// Peers that know of each other by peer exchange alone, and private torrents, which have none.
import { concatBytes, encodeUtf8 } from '../../src/base/bytes.ts';
import { EXTENSION_IDS } from '../../src/protocol/extensions/extension-handshake.ts';
import { encodePexMessage } from '../../src/protocol/extensions/ut-pex.ts';
import * as wire from '../world/raw-wire.ts';
import { formatOf, type Scenario, untilSeeds } from './scenario.ts';

const LEECHERS = 6;

export const pexSpreads: Scenario = {
  name: 'pex-spreads',
  about: 'Everybody is told of one peer alone, and all find each other by peer exchange; magnet links too.',
  isHeavy: true,
  link: { latencyMs: 30, bytesPerSecond: 200_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), trackers: [], pieceCount: 8 });
    const hub = world.addPeer({ content, has: 'all', name: 'hub' });
    const leechers = Array.from({ length: LEECHERS }, (_, index) =>
      world.addPeer({
        content,
        source: index % 2 === 0 ? 'metainfo' : 'magnet',
        torrent: { peers: [hub.address] },
      }),
    );
    world.runUntil(
      'everybody knows everybody',
      () => leechers.every((peer) => peer.isSeed || peer.torrent.stats().peerCount === LEECHERS),
      { limitMs: 180_000 },
    );
    untilSeeds(world, leechers, 300_000);
    const late = world.addPeer({ content, torrent: { peers: [leechers[0]!.address] } });
    untilSeeds(world, [late], 300_000);
    const counts = leechers.map((peer) => peer.host.dials.length);
    world.check(Math.max(...counts) > 1, 'nobody dialled anybody but the hub');
  },
};

export const pexPrivate: Scenario = {
  name: 'pex-private',
  about: 'Peers of a private torrent tell nobody of anybody, and believe nobody who tells them.',
  link: { latencyMs: 30, bytesPerSecond: 200_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), trackers: [], private: true });
    const hub = world.addPeer({ content, has: 'all', name: 'hub' });
    const leechers = Array.from({ length: 4 }, () => world.addPeer({ content, torrent: { peers: [hub.address] } }));
    const stranger = world.addHost();
    const added = [{ address: stranger.addresses[0]!, port: 6881, flags: 0 }];
    const message = encodePexMessage({ added, dropped: [] });
    const heard: number[] = [];
    const fake = world.addFakePeer({
      content,
      isListed: false,
      reserved: wire.RESERVED_FAST_AND_EXTENSIONS,
      script: {
        handleHandshake: (connection) => {
          connection.send(
            wire.rawMessage(wire.HAVE_NONE),
            wire.rawMessage(wire.EXTENDED, [], encodeUtf8('\0d1:md6:ut_pexi9eee')),
            wire.rawMessage(wire.EXTENDED, [], concatBytes([Uint8Array.of(EXTENSION_IDS.ut_pex), message])),
          );
        },
        handleMessage: (_connection, { id, payload }) => {
          if (id === wire.EXTENDED) heard.push(payload[0]!);
        },
      },
    });
    fake.connect({ address: hub.host.addresses[0]!, port: 6881 });
    untilSeeds(world, leechers, 120_000);
    world.run(180_000);
    world.check(!heard.includes(9), 'a peer of a private torrent told of its peers');
    const known = [hub, ...leechers].map((peer) => peer.host.addresses[0]);
    world.check(
      leechers.every((peer) => peer.host.dials.every(({ remote }) => remote.address === known[0])),
      'leechers of a private torrent dialled somebody that only a peer had told of',
    );
    world.check(
      hub.host.dials.every(({ remote }) => known.includes(remote.address)),
      'a private torrent dialled a stranger',
    );
  },
};
