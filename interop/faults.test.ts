// What a user's day brings: a killed process, Ctrl-C, a full disk, a folder that cannot be written, a dead tracker, a taken port, a
// cable pulled out. Each must end with the right exit code and one sentence, and nothing that was had may be lost.
import { chmodSync, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { aria2, libtorrent, millrace } from './clients/all.ts';
import type { RunningClient } from './clients/client.ts';
import {
  eventNamed,
  eventsOf,
  logOf,
  type MillraceEvent,
  millraceMain,
  QUIET_NETWORK,
  spawnMillrace,
} from './clients/millrace.ts';
import { type Offer, Stage } from './stage.ts';
import { fingerprint, PIECE_LENGTH_BYTES } from './torrents/content.ts';
import type { RunningProcess } from './world/running-process.ts';
import type { Host } from './world/world.ts';

const SLOW_BYTES_PER_SECOND = 6_000_000; // about 4 s for the single file
const OPTIONS = ['--json', '--port', '6881', ...QUIET_NETWORK];
/** Blocks on their way, and pieces begun and not finished, when a process dies. */
const LOST_BYTES_MAX = 24 * PIECE_LENGTH_BYTES;

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open();
});

afterAll(() => stage.close());

function watched(test: TestContext, process: RunningProcess): RunningProcess {
  test.onTestFailed(() => console.error(`--- ${process.label} ---\n${logOf(process)}`));
  test.onTestFinished(async () => {
    await process.stop('SIGKILL');
  });
  return process;
}

function download(test: TestContext, host: Host, args: readonly string[]): RunningProcess {
  return watched(test, spawnMillrace(host, ['download', ...args, ...OPTIONS]));
}

/** Exactly one sentence on stderr, and no stack trace. */
function expectOneSentence(process: RunningProcess): void {
  const lines = process.stderrLines.filter((line) => line.trim() !== '');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/\w.*\.$/);
}

async function slowOffer(test: TestContext): Promise<Offer & { readonly seed: RunningClient }> {
  const offer = await stage.offer('single', 'v1', 'libtorrent', [stage.tracker.httpUrl]);
  const seed = await stage.startSeed(test, libtorrent, offer.torrent, offer.content.parent, {
    uploadBytesPerSecond: SLOW_BYTES_PER_SECOND,
  });
  return { ...offer, seed };
}

/** Waits until between a fifth and all of the pieces are had. Gives back how many. */
async function untilHalfWay(process: RunningProcess, timeoutMs = 20_000): Promise<number> {
  const line = await process.waitForLine(
    (text) => {
      if (!eventNamed('progress')(text)) return false;
      const { have, pieces } = JSON.parse(text) as MillraceEvent;
      return Number(have) >= Number(pieces) / 5;
    },
    timeoutMs,
    'a fifth of the pieces',
  );
  const { have, pieces } = JSON.parse(line) as MillraceEvent;
  expect(Number(have)).toBeLessThan(Number(pieces));
  return Number(have);
}

function downloadedBytes(process: RunningProcess): number {
  return Number(
    eventsOf(process)
      .filter(({ event }) => event === 'progress')
      .at(-1)?.['downloaded'],
  );
}

describe('a download that is cut short goes on where it was', () => {
  it('after kill -9', async (test) => {
    const { content, torrent, tree } = await slowOffer(test);
    const [host, dataDir] = [await stage.host(test), stage.folder('data')];
    const first = download(test, host, [torrent.path, '-o', dataDir]);
    const had = await untilHalfWay(first);
    await first.stop('SIGKILL');
    const second = download(test, host, [torrent.path, '-o', dataDir]);
    expect(await second.waitForExit(40_000)).toEqual({ code: 0, signal: null });
    expect(await fingerprint(dataDir, content.name)).toEqual(tree);
    expect(downloadedBytes(second)).toBeLessThanOrEqual(content.totalBytes - had * PIECE_LENGTH_BYTES + LOST_BYTES_MAX);
  });

  it('after Ctrl-C, which exits 7 and tells the tracker', async (test) => {
    const { content, torrent, tree } = await slowOffer(test);
    const [host, dataDir] = [await stage.host(test), stage.folder('data')];
    const first = download(test, host, [torrent.path, '-o', dataDir]);
    const had = await untilHalfWay(first);
    const hash = torrent.trackerHashes[0] ?? '';
    expect(await stage.tracker.scrape(hash)).toEqual({ complete: 1, incomplete: 1 });
    first.signal('SIGINT');
    expect(await first.waitForExit(5_000)).toEqual({ code: 7, signal: null });
    expect(await stage.tracker.scrape(hash)).toEqual({ complete: 1, incomplete: 0 });
    const second = download(test, host, [torrent.path, '-o', dataDir]);
    expect(await second.waitForExit(40_000)).toEqual({ code: 0, signal: null });
    expect(await fingerprint(dataDir, content.name)).toEqual(tree);
    expect(downloadedBytes(second)).toBeLessThanOrEqual(content.totalBytes - had * PIECE_LENGTH_BYTES + LOST_BYTES_MAX);
  });

  it('Ctrl-C ends it within its 3 s when the tracker is silent, a second one at once', async (test) => {
    const { torrent } = await slowOffer(test);
    const [host, dataDir] = [await stage.host(test), stage.folder('data')];
    const patient = download(test, host, [torrent.path, '-o', dataDir]);
    await untilHalfWay(patient);
    await stage.tracker.host.setLink('down'); // nobody answers the farewell
    test.onTestFinished(() => stage.tracker.host.setLink('up'));
    const startedMs = performance.now();
    patient.signal('SIGINT');
    await delay(500);
    expect(patient.exit, 'still saying goodbye').toBeUndefined();
    expect(await patient.waitForExit(5_000)).toEqual({ code: 7, signal: null });
    expect(performance.now() - startedMs).toBeLessThan(4_500);

    await stage.tracker.host.setLink('up');
    const hasty = download(test, await stage.host(test), [torrent.path, '-o', stage.folder('data')]);
    await untilHalfWay(hasty);
    await stage.tracker.host.setLink('down');
    hasty.signal('SIGINT');
    await delay(500);
    hasty.signal('SIGINT');
    expect(await hasty.waitForExit(1_000)).toEqual({ code: 130, signal: null });
  });

  it('over data of another program that was killed half-way', async (test) => {
    const { content, torrent, tree } = await slowOffer(test);
    const [host, dataDir] = [await stage.host(test), stage.folder('data')];
    const other = await stage.start(test, libtorrent, { host, source: torrent.path, dataDir, seeding: false });
    await other.process.waitForLine((line) => /"percent": [3-9]\d/.test(line), 20_000, 'a third of the data');
    await other.process.stop('SIGKILL');
    const ours = download(test, host, [torrent.path, '-o', dataDir]);
    expect(await ours.waitForExit(40_000)).toEqual({ code: 0, signal: null });
    expect(await fingerprint(dataDir, content.name)).toEqual(tree);
    expect(downloadedBytes(ours)).toBeLessThan(content.totalBytes * 0.85);
  });
});

describe('the disk', () => {
  it('is full: exit 9, one sentence, and the machine-readable code', async (test) => {
    const { content, torrent } = await stage.offer('single', 'v1', 'libtorrent', [stage.tracker.httpUrl]);
    await stage.startSeed(test, aria2, torrent, content.parent);
    const [host, folder] = [await stage.host(test), stage.folder('small')];
    const script = 'mount -t tmpfs -o size=8m small "$0" && exec "$@"';
    const args = [process.execPath, millraceMain(), 'download', torrent.path, '-o', folder, ...OPTIONS];
    // `ip netns exec` gives the program mounts of its own: the small disk is gone with it.
    const ours = watched(test, host.spawn('millrace', 'sh', ['-c', script, folder, ...args]));
    expect((await ours.waitForExit(20_000)).code).toBe(9);
    expectOneSentence(ours);
    expect(eventsOf(ours)).toContainEqual(expect.objectContaining({ event: 'error', code: 'DISK_FULL' }));
  });

  it('is mounted read-only: exit 10', async (test) => {
    const { content, torrent } = await stage.offer('single', 'v1', 'libtorrent', [stage.tracker.httpUrl]);
    await stage.startSeed(test, aria2, torrent, content.parent);
    const [host, folder] = [await stage.host(test), stage.folder('read-only')];
    const script = 'mount -t tmpfs -o ro small "$0" && exec "$@"';
    const args = [process.execPath, millraceMain(), 'download', torrent.path, '-o', folder, ...OPTIONS];
    const ours = watched(test, host.spawn('millrace', 'sh', ['-c', script, folder, ...args]));
    expect((await ours.waitForExit(20_000)).code).toBe(10);
    expectOneSentence(ours);
  });

  it('has a folder without the right to write: exit 10, and nothing is written', async (test) => {
    const { content, torrent } = await stage.offer('single', 'v1', 'libtorrent', [stage.tracker.httpUrl]);
    await stage.startSeed(test, aria2, torrent, content.parent);
    const [host, folder] = [await stage.host(test), stage.folder('forbidden')];
    chmodSync(folder, 0o555);
    // The superuser writes anywhere unless these capabilities are taken from it.
    const without = ['--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-all'];
    const args = [...without, process.execPath, millraceMain(), 'download', torrent.path, '-o', folder, ...OPTIONS];
    const ours = watched(test, host.spawn('millrace', 'setpriv', args));
    expect((await ours.waitForExit(20_000)).code).toBe(10);
    expectOneSentence(ours);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('the network', () => {
  it('has a dead tracker: a peer known by address is enough', async (test) => {
    const { content, torrent, tree } = await stage.offer('single', 'v1', 'libtorrent', [stage.tracker.httpUrl]);
    await stage.tracker.stop();
    const [seedHost, host, dataDir] = [await stage.host(test), await stage.host(test), stage.folder('data')];
    await stage.start(test, libtorrent, {
      host: seedHost,
      source: torrent.path,
      dataDir: content.parent,
      seeding: true,
    });
    const ours = download(test, host, [torrent.path, '-o', dataDir, '--peer', `${seedHost.address}:6881`]);
    expect(await ours.waitForExit(30_000)).toEqual({ code: 0, signal: null });
    expect(await fingerprint(dataDir, content.name)).toEqual(tree);
  });

  it('has a dead tracker and nobody else: exit 5 when the time is over', async (test) => {
    const { torrent } = await stage.offer('single', 'v1', 'libtorrent', [stage.tracker.httpUrl]);
    await stage.tracker.stop();
    const ours = download(test, await stage.host(test), [torrent.path, '-o', stage.folder('data'), '--timeout', '3s']);
    expect((await ours.waitForExit(12_000)).code).toBe(5);
    expectOneSentence(ours);
  });

  it('is not there at all: exit 5 when the time is over', async (test) => {
    const { torrent } = await stage.offer('many', 'v1', 'libtorrent', [stage.tracker.udpUrl]);
    const host = await stage.host(test);
    await host.setLink('down');
    test.onTestFinished(() => host.setLink('up'));
    const ours = download(test, host, [torrent.path, '-o', stage.folder('data'), '--timeout', '3s']);
    expect((await ours.waitForExit(12_000)).code).toBe(5);
    expectOneSentence(ours);
  });

  it('knows nobody who has the metadata of a magnet link: exit 4 when the time is over', async (test) => {
    const { torrent } = await stage.offer('single', 'v1', 'libtorrent', [stage.tracker.httpUrl]);
    const magnet = `magnet:?xt=urn:btih:${torrent.view.infoHash}`;
    const ours = download(test, await stage.host(test), [magnet, '-o', stage.folder('data'), '--timeout', '3s']);
    expect((await ours.waitForExit(12_000)).code).toBe(4);
    expectOneSentence(ours);
  });

  it('has another program on our port: exit 6, and that program is not disturbed', async (test) => {
    const { content, torrent } = await stage.offer('single', 'v1', 'libtorrent', [stage.tracker.httpUrl]);
    const host = await stage.host(test);
    const other = await stage.start(test, millrace, {
      host,
      source: torrent.path,
      dataDir: content.parent,
      seeding: true,
    });
    await other.process.waitForLine(eventNamed('listening'), 10_000, 'listening');
    const ours = download(test, host, [torrent.path, '-o', stage.folder('data')]);
    expect((await ours.waitForExit(10_000)).code).toBe(6);
    expectOneSentence(ours);
    expect(other.process.exit).toBeUndefined();
  });

  it('loses its cable for three seconds: the download goes on', async (test) => {
    const { content, torrent, tree } = await slowOffer(test);
    const [host, dataDir] = [await stage.host(test), stage.folder('data')];
    const ours = download(test, host, [torrent.path, '-o', dataDir]);
    await untilHalfWay(ours);
    await host.setLink('down');
    await delay(3_000);
    await host.setLink('up');
    expect(await ours.waitForExit(60_000)).toEqual({ code: 0, signal: null });
    expect(await fingerprint(dataDir, content.name)).toEqual(tree);
  });

  it('loses the only seed, and another one comes: the download goes on', async (test) => {
    const { content, torrent, tree, seed } = await slowOffer(test);
    const [host, dataDir] = [await stage.host(test), stage.folder('data')];
    const second = await stage.host(test);
    const ours = download(test, host, [torrent.path, '-o', dataDir]);
    await untilHalfWay(ours);
    await seed.process.stop('SIGKILL');
    await stage.start(test, libtorrent, { host: second, source: torrent.path, dataDir: content.parent, seeding: true });
    expect(await ours.waitForExit(60_000)).toEqual({ code: 0, signal: null });
    expect(await fingerprint(dataDir, content.name)).toEqual(tree);
  });
});
