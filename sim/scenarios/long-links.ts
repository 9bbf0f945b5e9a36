// One seed far away and a fast line: what the link could carry, the pipeline must ask for in time.
import type { LinkOptions } from '../world/sim-link.ts';
import type { SimWorld } from '../world/sim-world.ts';
import { formatOf, type Scenario, untilSeeds } from './scenario.ts';

const LINE_BYTES_PER_SECOND = 25_000_000;
const PIECE_BYTES = 1_048_576;
/** From the first block until the rate is judged, and for how long it is. */
const RISE_MS = 3_000;
const JUDGED_MS = 1_000;
const RATIO_MIN = 0.97;
const WASTED_RATIO_MAX = 0.01;

const PIECES = 108;

function fillTheLine(world: SimWorld, seed: number): void {
  const format = formatOf(seed);
  const content = world.makeContent({ format, pieceCount: PIECES, pieceLengthBytes: PIECE_BYTES, isRepetitive: true });
  world.addPeer({ content, has: 'all' });
  world.run(2_000);
  const leecher = world.addPeer({ content });
  const received = (): number => leecher.torrent.stats().downloadedBytes;
  world.runUntil('the first block', () => received() > 0, { limitMs: 60_000 });
  world.run(RISE_MS);
  const before = received();
  world.run(JUDGED_MS);
  const ratio = ((received() - before) * 1_000) / JUDGED_MS / LINE_BYTES_PER_SECOND;
  world.check(ratio >= RATIO_MIN, `${(ratio * 100).toFixed(1)} % of the line ${RISE_MS} ms after the first block`);
  untilSeeds(world, [leecher], 120_000);
  const wasted = leecher.torrent.stats().wastedBytes / content.bytes.length;
  world.check(wasted <= WASTED_RATIO_MAX, `${(wasted * 100).toFixed(1)} % came twice`);
}

const FAT: LinkOptions = {
  bytesPerSecond: LINE_BYTES_PER_SECOND,
  windowBytes: 16_777_216,
  segmentMaxBytes: 65_536,
  queueMs: 1_000,
};

export const longFatLink: Scenario = {
  name: 'long-fat-link',
  about: 'The pipeline fills 200 Mbit/s at a round trip of 300 ms within 3 s of the first block.',
  isHeavy: true,
  link: { ...FAT, latencyMs: 150 },
  run: fillTheLine,
};

export const fatLink: Scenario = {
  name: 'fat-link',
  about: 'The pipeline fills 200 Mbit/s at a round trip of 100 ms within 3 s of the first block.',
  isHeavy: true,
  link: { ...FAT, latencyMs: 50 },
  run: fillTheLine,
};
