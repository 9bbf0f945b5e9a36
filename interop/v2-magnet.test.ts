// v2 and hybrid torrents by magnet link with libtorrent, whose piece layers must come from peers as hashes (BEP 52). No tracker: each
// side is told the other's address, so that nothing but these two can give anything.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { libtorrent, subject } from './clients/all.ts';
import { type Client, PEER_PORT, type RunningClient } from './clients/client.ts';
import type { MillraceEvent } from './clients/millrace.ts';
import { Stage } from './stage.ts';
import { fingerprint, seededBytes } from './torrents/content.ts';
import { type MadeTorrent, makeTorrent, type TorrentFormat } from './torrents/makers.ts';

const TRANSFER_TIMEOUT_MS = 60_000;
const SEEDING_TIMEOUT_MS = 20_000;
const KIB = 1024;

/**
 * Numbers of pieces on both sides of what one hash request is for (512), and files that have no piece layer. For a last hash that
 * stands alone libtorrent 2.0.8 asks in a way that it cannot answer itself; when that hash is a leaf too, in a hybrid torrent, it
 * takes a right answer for a contradiction. So there is none among the smallest pieces.
 */
const SHAPES: Readonly<Record<string, { pieceLengthBytes: number; pieceCounts: readonly number[] }>> = {
  'smallest pieces': { pieceLengthBytes: 16 * KIB, pieceCounts: [2, 512, 514, 1, 1_026] },
  'two blocks a piece': { pieceLengthBytes: 32 * KIB, pieceCounts: [513, 3, 2, 1, 1_025] },
  'large pieces': { pieceLengthBytes: 2_048 * KIB, pieceCounts: [3, 1, 5] },
};

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open();
});

afterAll(() => stage.close());

interface Made {
  readonly torrent: MadeTorrent;
  readonly parent: string;
  readonly name: string;
}

const made = new Map<string, Made>();

async function offer(shape: string, format: TorrentFormat): Promise<Made> {
  const key = `${shape} ${format}`;
  const known = made.get(key);
  if (known !== undefined) return known;
  const { pieceLengthBytes, pieceCounts } = SHAPES[shape]!;
  const parent = stage.folder('layered');
  const name = 'layered';
  mkdirSync(join(parent, name));
  pieceCounts.forEach((count, index) => {
    // Every other file ends within its last piece.
    const lengthBytes = count * pieceLengthBytes - (index % 2) * 1_001;
    writeFileSync(join(parent, name, `${index} has ${count}.bin`), seededBytes(`${shape} ${index}`, lengthBytes));
  });
  const out = join(stage.folder('torrent'), 'layered.torrent');
  const path = join(parent, name);
  const torrent = await makeTorrent('libtorrent', { path, out, format, trackers: [], pieceLengthBytes });
  const offered = { torrent, parent, name };
  made.set(key, offered);
  return offered;
}

interface Leg {
  readonly seed: Client;
  readonly leecher: Client;
  readonly shape: string;
  readonly format: TorrentFormat;
  /** Hashes that the magnet link names. */
  readonly by: readonly ('v1' | 'v2')[];
}

/** A seed that is still hashing turns connections away, and a leecher that knows nobody else waits a minute then. */
async function untilSeeding(running: RunningClient): Promise<void> {
  if (running.program !== 'millrace') return running.waitComplete(SEEDING_TIMEOUT_MS);
  const isSeeding = (line: string): boolean => {
    const { event, have, pieces } = JSON.parse(line) as MillraceEvent;
    return event === 'progress' && have === pieces;
  };
  await running.process.waitForLine(isSeeding, SEEDING_TIMEOUT_MS, 'sharing every piece');
}

async function transfer(test: TestContext, { seed, leecher, shape, format, by }: Leg): Promise<void> {
  const { torrent, parent, name } = await offer(shape, format);
  const host = await stage.host(test);
  const sharing = await stage.start(test, seed, { source: torrent.path, dataDir: parent, seeding: true, host });
  await untilSeeding(sharing);
  const { infoHash, infoHashV2 } = torrent.view;
  const topics = by.map((kind) => (kind === 'v1' ? `xt=urn:btih:${infoHash}` : `xt=urn:btmh:1220${infoHashV2}`));
  const address = `${host.address}:${PEER_PORT}`;
  const source = `magnet:?${[...topics, `x.pe=${address}`].join('&')}`;
  const dataDir = stage.folder(`${leecher.program}-data`);
  const running = await stage.start(test, leecher, { source, dataDir, seeding: false, peers: [address] });
  await running.waitComplete(TRANSFER_TIMEOUT_MS);
  await running.stop();
  expect(await fingerprint(dataDir, name)).toEqual(await fingerprint(parent, name));
}

describe.each(Object.keys(SHAPES))('%s', (shape) => {
  describe.each([
    ['v2', ['v2']],
    ['hybrid', ['v1']],
    ['hybrid', ['v2']],
    ['hybrid', ['v1', 'v2']],
  ] as const)('%s torrent, magnet link of %j', (format, by) => {
    it('libtorrent seeds to us', (test) => transfer(test, { seed: libtorrent, leecher: subject, shape, format, by }));
    it('libtorrent downloads from us', (test) =>
      transfer(test, { seed: subject, leecher: libtorrent, shape, format, by }));
    it('we seed to ourselves', (test) => transfer(test, { seed: subject, leecher: subject, shape, format, by }));
  });
});
