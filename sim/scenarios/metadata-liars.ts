// A magnet link among peers that lie about the metadata.
import { concatBytes } from '../../src/base/bytes.ts';
import { randomBytes } from '../../src/base/random.ts';
import { bencode } from '../../src/protocol/bencode/index.ts';
import type { FakeConnection, FakePeerScript } from '../world/fake-peer.ts';
import { EXTENDED, RESERVED_FAST_AND_EXTENSIONS, rawMessage } from '../world/raw-wire.ts';
import type { SimWorld } from '../world/sim-world.ts';
import { type Scenario, untilSeeds } from './scenario.ts';

const THEIR_UT_METADATA = 3;

function sendExtensionHandshake(connection: FakeConnection, sizeBytes: number): void {
  const handshake = bencode({ m: { ut_metadata: THEIR_UT_METADATA }, metadata_size: sizeBytes });
  connection.send(rawMessage(EXTENDED, [], concatBytes([Uint8Array.of(0), handshake])));
}

/** Claims a size; answers each request with random bytes of the given length, or not at all. */
function liar(world: SimWorld, sizeBytes: number, answerBytes: number | undefined): FakePeerScript {
  return {
    handleHandshake: (connection) => sendExtensionHandshake(connection, sizeBytes),
    handleMessage(connection, { id, payload }) {
      // Ids that we name ourselves come back in requests to us; 0 is a handshake.
      if (id !== EXTENDED || payload[0] !== THEIR_UT_METADATA || answerBytes === undefined) return;
      const text = String.fromCharCode(...payload);
      const piece = Number(/piecei(\d+)e/.exec(text)?.[1] ?? 0);
      const header = bencode({ msg_type: 1, piece, total_size: sizeBytes });
      const data = randomBytes(world.random, new Uint8Array(answerBytes));
      connection.send(rawMessage(EXTENDED, [], concatBytes([Uint8Array.of(1), header, data])));
    },
  };
}

export const metadataLiars: Scenario = {
  name: 'metadata-liars',
  about: 'Peers that claim huge metadata, send wrong bytes or none do not keep it from an honest peer for a minute.',
  link: { latencyMs: 30, bytesPerSecond: 300_000 },
  run(world, seed) {
    const files = Array.from({ length: 300 }, (_, index) => 500 + index);
    const content = world.makeContent({ format: seed % 2 === 0 ? 'hybrid' : 'v1', files });
    const sizeBytes = content.info.infoBytes.length;
    const reserved = RESERVED_FAST_AND_EXTENSIONS;
    const lies: [number, number | undefined][] = [
      [2 ** 40, 16_384],
      [16 * 1024 * 1024, undefined],
      [sizeBytes, 16_384],
      [100, 100],
      [sizeBytes, 0],
      [-5, 16_384],
    ];
    for (const [size, answer] of lies) world.addFakePeer({ content, reserved, script: liar(world, size, answer) });
    world.addPeer({ content, has: 'all' });
    world.run(1_000);
    const leecher = world.addPeer({ content, source: 'magnet' });
    world.runUntil('the metadata', () => leecher.torrent.pieceCount > 0, { limitMs: 60_000 });
    untilSeeds(world, [leecher], 120_000);
  },
};
