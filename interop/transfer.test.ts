// Every rival seeds and Millrace downloads, and the other way round: one file over an HTTP tracker, a folder full of edge cases over
// a UDP tracker, v2 and hybrid torrents with libtorrent. Every byte is compared.
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { libtorrent, rivals, subject } from './clients/all.ts';
import type { Client } from './clients/client.ts';
import { Stage } from './stage.ts';
import { type Content, fingerprint, manyFiles, singleFile, type TreeEntry } from './torrents/content.ts';
import { type MadeTorrent, makeTorrent, type TorrentFormat } from './torrents/makers.ts';

const TRANSFER_TIMEOUT_MS = 60_000;

interface Offer {
  readonly content: Content;
  readonly torrent: MadeTorrent;
  readonly tree: Record<string, TreeEntry>;
}

let stage: Stage;
const offers = new Map<string, Offer>();

async function offer(kind: 'single' | 'many', format: TorrentFormat): Promise<Offer> {
  const key = `${kind}-${format}`;
  const known = offers.get(key);
  if (known !== undefined) return known;
  const parent = stage.folder(key);
  const content = kind === 'single' ? singleFile(parent) : manyFiles(parent);
  const torrent = await makeTorrent('libtorrent', {
    path: content.path,
    out: `${stage.folder('torrents')}/${key}.torrent`,
    format,
    trackers: [kind === 'single' ? stage.tracker.httpUrl : stage.tracker.udpUrl],
  });
  const made = { content, torrent, tree: await fingerprint(parent, content.name) };
  offers.set(key, made);
  return made;
}

function withoutEmptyFiles(tree: Record<string, TreeEntry>): Record<string, TreeEntry> {
  return Object.fromEntries(Object.entries(tree).filter(([, { lengthBytes }]) => lengthBytes > 0));
}

/** `seed` shares, `leecher` downloads, and both hold the same bytes afterwards. */
async function transfer(
  test: TestContext,
  seed: Client,
  leecher: Client,
  kind: 'single' | 'many',
  format: TorrentFormat,
): Promise<void> {
  const { content, torrent, tree } = await offer(kind, format);
  await stage.startSeed(test, seed, torrent, content.parent);
  const dataDir = stage.folder(`${leecher.program}-data`);
  const running = await stage.start(test, leecher, { source: torrent.path, dataDir, seeding: false });
  await running.waitComplete(TRANSFER_TIMEOUT_MS);
  await running.stop();
  const received = await fingerprint(dataDir, content.name);
  if (leecher.createsEmptyFiles) expect(received).toEqual(tree);
  else expect(withoutEmptyFiles(received)).toEqual(withoutEmptyFiles(tree));
}

beforeAll(async () => {
  stage = await Stage.open();
});

afterAll(async () => {
  for (const { content, tree } of offers.values()) {
    expect(await fingerprint(content.parent, content.name), 'no seed changed its data').toEqual(tree);
  }
  await stage.close();
});

describe.each(rivals.filter((rival) => rival !== subject))('$program', (rival) => {
  it('seeds one file to us (HTTP tracker)', (test) => transfer(test, rival, subject, 'single', 'v1'));
  it('downloads one file from us (HTTP tracker)', (test) => transfer(test, subject, rival, 'single', 'v1'));
  it('seeds a folder to us (UDP tracker)', (test) => transfer(test, rival, subject, 'many', 'v1'));
  it('downloads a folder from us (UDP tracker)', (test) => transfer(test, subject, rival, 'many', 'v1'));
});

describe.each(['v2', 'hybrid'] as const)('libtorrent, %s torrents', (format) => {
  it('seeds one file to us', (test) => transfer(test, libtorrent, subject, 'single', format));
  it('downloads one file from us', (test) => transfer(test, subject, libtorrent, 'single', format));
  it('seeds a folder to us', (test) => transfer(test, libtorrent, subject, 'many', format));
  it('downloads a folder from us', (test) => transfer(test, subject, libtorrent, 'many', format));
});
