// Every rival seeds and Millrace downloads, and the other way round: one file over an HTTP tracker, a folder full of edge cases over
// a UDP tracker, by magnet link, v2 and hybrid torrents with libtorrent. Every byte is compared. The one-file torrents are
// libtorrent's, the folder's are Millrace's own.
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { libtorrent, rivals, subject } from './clients/all.ts';
import type { Client } from './clients/client.ts';
import { type Offer, Stage } from './stage.ts';
import { fingerprint, withoutEmptyFiles } from './torrents/content.ts';
import type { TorrentFormat } from './torrents/makers.ts';

const TRANSFER_TIMEOUT_MS = 60_000;

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open();
});

afterAll(() => stage.close());

function offer(kind: 'single' | 'many', format: TorrentFormat): Promise<Offer> {
  const maker = kind === 'many' && subject.program === 'millrace' ? 'millrace' : 'libtorrent';
  return stage.offer(kind, format, maker, [kind === 'single' ? stage.tracker.httpUrl : stage.tracker.udpUrl]);
}

interface Leg {
  readonly seed: Client;
  readonly leecher: Client;
  readonly kind: 'single' | 'many';
  readonly format?: TorrentFormat;
  readonly byMagnet?: boolean;
}

function magnetOf({ torrent }: Offer): string {
  const { infoHash, infoHashV2, trackers } = torrent.view;
  const topics = [infoHash && `xt=urn:btih:${infoHash}`, infoHashV2 && `xt=urn:btmh:1220${infoHashV2}`];
  return `magnet:?${[...topics.filter(Boolean), ...trackers.map((url) => `tr=${encodeURIComponent(url)}`)].join('&')}`;
}

/** `seed` shares, `leecher` downloads, and both hold the same bytes afterwards. */
async function transfer(
  test: TestContext,
  { seed, leecher, kind, format = 'v1', byMagnet = false }: Leg,
): Promise<void> {
  const offered = await offer(kind, format);
  const { content, torrent, tree } = offered;
  await stage.startSeed(test, seed, torrent, content.parent);
  const dataDir = stage.folder(`${leecher.program}-data`);
  const source = byMagnet ? magnetOf(offered) : torrent.path;
  const running = await stage.start(test, leecher, { source, dataDir, seeding: false });
  await running.waitComplete(TRANSFER_TIMEOUT_MS);
  await running.stop();
  const received = await fingerprint(dataDir, content.name);
  if (leecher.createsEmptyFiles) expect(received).toEqual(tree);
  else expect(withoutEmptyFiles(received)).toEqual(withoutEmptyFiles(tree));
}

describe.each(rivals.filter((rival) => rival !== subject))('$program', (rival) => {
  const fromRival = { seed: rival, leecher: subject };
  const fromUs = { seed: subject, leecher: rival };
  it('seeds one file to us (HTTP tracker)', (test) => transfer(test, { ...fromRival, kind: 'single' }));
  it('downloads one file from us (HTTP tracker)', (test) => transfer(test, { ...fromUs, kind: 'single' }));
  it('seeds a folder to us (UDP tracker)', (test) => transfer(test, { ...fromRival, kind: 'many' }));
  it('downloads a folder from us (UDP tracker)', (test) => transfer(test, { ...fromUs, kind: 'many' }));
  it('seeds to us by magnet link', (test) => transfer(test, { ...fromRival, kind: 'single', byMagnet: true }));
  it('downloads from us by magnet link', (test) => transfer(test, { ...fromUs, kind: 'single', byMagnet: true }));
});

describe.each(['v2', 'hybrid'] as const)('libtorrent, %s torrents', (format) => {
  const fromRival = { seed: libtorrent, leecher: subject, format };
  const fromUs = { seed: subject, leecher: libtorrent, format };
  it('seeds one file to us', (test) => transfer(test, { ...fromRival, kind: 'single' }));
  it('downloads one file from us', (test) => transfer(test, { ...fromUs, kind: 'single' }));
  it('seeds a folder to us', (test) => transfer(test, { ...fromRival, kind: 'many' }));
  it('downloads a folder from us', (test) => transfer(test, { ...fromUs, kind: 'many' }));
  it('seeds to us by magnet link', (test) => transfer(test, { ...fromRival, kind: 'many', byMagnet: true }));
  it('downloads from us by magnet link', (test) => transfer(test, { ...fromUs, kind: 'many', byMagnet: true }));
});

describe('over IPv6, known by address alone', () => {
  async function transferOverIpv6(test: TestContext, seed: Client, leecher: Client): Promise<void> {
    const { content, torrent, tree } = await stage.offer('single', 'v1', 'libtorrent', []);
    const host = await stage.host(test);
    await stage.start(test, seed, {
      host,
      source: torrent.path,
      dataDir: content.parent,
      seeding: true,
      overIpv6: true,
    });
    const dataDir = stage.folder(`${leecher.program}-data`);
    const peers = [`[${host.address6}]:6881`];
    const running = await stage.start(test, leecher, {
      source: torrent.path,
      dataDir,
      seeding: false,
      overIpv6: true,
      peers,
    });
    await running.waitComplete(TRANSFER_TIMEOUT_MS);
    await running.stop();
    expect(await fingerprint(dataDir, content.name)).toEqual(tree);
  }

  it('libtorrent seeds to us', (test) => transferOverIpv6(test, libtorrent, subject));
  it('libtorrent downloads from us', (test) => transferOverIpv6(test, subject, libtorrent));
});
