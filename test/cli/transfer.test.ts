// Goal: `download` and `seed` keep the contract from the first JSON line to the exit code. Method: two built programs
// that exchange a torrent over 127.0.0.1; the second without a process of its own where none is needed.
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { CliProcess, runHere, temporaryFolder } from './cli-process.ts';

const QUIET_NETWORK = ['--port', '0', '--bind', '127.0.0.1', '--no-trackers', '--no-dht', '--no-lsd'];
/** Slow enough that a signal or a timeout comes first. */
const SLOW = ['--max-upload', '100k'];

let folder = '';
let bytes: Uint8Array = new Uint8Array(0);

beforeEach(async () => {
  folder = await temporaryFolder();
  await mkdir(join(folder, 'seed', 'album'), { recursive: true });
  bytes = new Uint8Array(3_000_000);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 31 + (i >>> 8)) & 255;
  await writeFile(join(folder, 'seed', 'album', 'a.bin'), bytes);
  await writeFile(join(folder, 'seed', 'album', 'b.txt'), 'the second file');
  await mkdir(join(folder, 'target'));
});

/** Shares the album; answers with where it listens and its magnet link. */
async function startSeed(...options: string[]) {
  const seed = new CliProcess(['seed', join(folder, 'seed', 'album'), '--json', ...QUIET_NETWORK, ...options]);
  const { port } = await seed.event('listening');
  const { magnet } = await seed.event('magnet');
  return { seed, peer: `127.0.0.1:${port}`, magnet: String(magnet) };
}

async function makeTorrent(): Promise<string> {
  const path = join(folder, 'album.torrent');
  const made = await runHere([
    'create',
    join(folder, 'seed', 'album'),
    '-o',
    path,
    '--piece-length',
    '32KiB',
    '--no-date',
  ]);
  expect(made).toMatchObject({ exitCode: 0 });
  return path;
}

/** Like `startSeed`, for the very torrent of `makeTorrent`. */
async function startSeedOf(torrent: string, ...options: string[]) {
  const seed = new CliProcess([
    'seed',
    torrent,
    '--data',
    join(folder, 'seed'),
    '--json',
    ...QUIET_NETWORK,
    ...options,
  ]);
  const { port } = await seed.event('listening');
  await seed.event('progress', (event) => event['have'] === event['pieces']);
  return { seed, peer: `127.0.0.1:${port}` };
}

async function expectAlbum(): Promise<void> {
  expect(Buffer.compare(await readFile(join(folder, 'target', 'album', 'a.bin')), bytes)).toBe(0);
  expect(await readFile(join(folder, 'target', 'album', 'b.txt'), 'utf8')).toBe('the second file');
}

test('a .torrent is downloaded from a peer, and both sides leave in good order', async () => {
  const torrent = await makeTorrent();
  const { seed, peer } = await startSeedOf(torrent);
  const download = new CliProcess([torrent, '-o', join(folder, 'target'), '--peer', peer, '--json', ...QUIET_NETWORK]);
  expect(await download.ended).toMatchObject({ exitCode: 0, stderr: '' });
  await expectAlbum();
  const names = download.events.map((event) => event.event);
  expect(names.slice(0, 2).sort()).toEqual(['added', 'listening']);
  expect(names.at(-1)).toBe('complete');
  expect(download.events.find((event) => event.event === 'added')).toEqual({
    event: 'added',
    infoHash: expect.stringMatching(/^[0-9a-f]{40}$/),
    infoHashV2: null,
    name: 'album',
    totalSize: 3_000_015,
  });
  const last = download.events.findLast((event) => event.event === 'progress');
  expect(last).toMatchObject({ have: 92, pieces: 92, etaSeconds: 0 });
  expect(download.events.at(-1)).toEqual({
    event: 'complete',
    infoHash: last?.['infoHash'],
    seconds: expect.any(Number),
  });
  seed.child.kill('SIGINT');
  expect(await seed.ended).toMatchObject({ exitCode: 0, stderr: '' });
});

test('a magnet link is enough', async () => {
  const { peer, magnet } = await startSeed();
  const args = ['download', magnet, '-o', join(folder, 'target'), '--peer', peer, '--json', '--timeout', '20s'];
  const download = new CliProcess([...args, ...QUIET_NETWORK]);
  expect(await download.ended).toMatchObject({ exitCode: 0, stderr: '' });
  await expectAlbum();
  expect(download.events.find((event) => event.event === 'metadata')).toMatchObject({
    name: 'album',
    totalSize: 3_000_015,
  });
});

test('only the chosen files are written, by number, by name, and by magnet link', async () => {
  const torrent = await makeTorrent();
  const { seed, peer } = await startSeedOf(torrent);
  const args = ['--peer', peer, ...QUIET_NETWORK];
  const byNumber = await runHere([torrent, '-o', join(folder, 'number'), '--files', '2', '--quiet', ...args]);
  expect(byNumber).toMatchObject({ exitCode: 0, text: '', stderr: '' });
  expect(await readFile(join(folder, 'number', 'album', 'b.txt'), 'utf8')).toBe('the second file');
  await expect(stat(join(folder, 'number', 'album', 'a.bin'))).rejects.toMatchObject({ code: 'ENOENT' });
  const byName = await runHere([torrent, '-o', join(folder, 'name'), '--match', '*.bin', '--quiet', ...args]);
  expect(byName.exitCode).toBe(0);
  expect(Buffer.compare(await readFile(join(folder, 'name', 'album', 'a.bin')), bytes)).toBe(0);
  await expect(stat(join(folder, 'name', 'album', 'b.txt'))).rejects.toMatchObject({ code: 'ENOENT' });
  const magnet = (await runHere(['magnet', torrent])).text.trim();
  const byLink = await runHere([magnet, '-o', join(folder, 'link'), '--match', '*.txt', '--timeout', '20s', ...args]);
  expect(byLink.exitCode).toBe(0);
  expect(await readdir(join(folder, 'link', 'album'))).toEqual(['b.txt']);
  seed.child.kill('SIGTERM');
  expect(await seed.ended).toMatchObject({ exitCode: 0 });
});

test('an interrupted download leaves with 7 and goes on from what is there', async () => {
  const torrent = await makeTorrent();
  const { peer } = await startSeedOf(torrent, ...SLOW);
  const args = [torrent, '-o', join(folder, 'target'), '--json', ...QUIET_NETWORK];
  const first = new CliProcess([...args, '--peer', peer]);
  await first.event('progress', (event) => Number(event['have']) >= 2);
  first.child.kill('SIGINT');
  expect(await first.ended).toMatchObject({ exitCode: 7, stderr: '' });
  const had = Number(first.events.findLast((event) => event.event === 'progress')?.['have']);
  const second = new CliProcess(args);
  const { have } = await second.event('progress');
  expect(have).toBeGreaterThanOrEqual(had);
  second.child.kill('SIGTERM');
  expect(await second.ended).toMatchObject({ exitCode: 7, stderr: '' });
});

test('a torrent that is complete already exits with 0 at once', async () => {
  const torrent = await makeTorrent();
  const download = new CliProcess([torrent, '-o', join(folder, 'seed'), '--json', ...QUIET_NETWORK]);
  expect(await download.ended).toMatchObject({ exitCode: 0, stderr: '' });
  expect(download.events.at(-1)).toMatchObject({ event: 'complete' });
});

test('time up is 5, for a link without metadata 4', async () => {
  const torrent = await makeTorrent();
  const args = ['-o', join(folder, 'target'), '--timeout', '300ms', ...QUIET_NETWORK];
  const late = await runHere([torrent, ...args]);
  expect(late.exitCode).toBe(5);
  expect(late.stderr).toMatch(/^millrace: album was not complete in time; [^\n]+\n$/);
  const unknown = await runHere(['magnet:?xt=urn:btih:c9e15763f722f23e98a29decdfae341b98d53056', '--json', ...args]);
  expect(unknown.exitCode).toBe(4);
  const error = unknown.text.split('\n').find((line) => line.includes('"error"'));
  expect(JSON.parse(error ?? '')).toMatchObject({ event: 'error', code: 'METADATA_NOT_FOUND' });
});

test('a port that is taken is 6', async () => {
  const torrent = await makeTorrent();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const port = String((server.address() as AddressInfo).port);
    const args = [torrent, '-o', join(folder, 'target'), '--bind', '127.0.0.1', '--no-trackers', '--timeout', '5s'];
    const taken = await runHere([...args, '--port', port]);
    expect(taken.exitCode).toBe(6);
    expect(taken.stderr).toMatch(/^millrace: [^\n]+--port[^\n]+\n$/);
  } finally {
    server.close();
  }
});

test('a file where the folder must be is 10, sharing what is not there 8', async () => {
  const torrent = await makeTorrent();
  await writeFile(join(folder, 'target', 'album'), 'in the way');
  const { seed, peer } = await startSeedOf(torrent);
  const args = ['--peer', peer, '--timeout', '10s', ...QUIET_NETWORK];
  expect(await runHere([torrent, '-o', join(folder, 'target'), ...args])).toMatchObject({ exitCode: 10 });
  await mkdir(join(folder, 'nothing'));
  const nothing = await runHere(['seed', torrent, '--data', join(folder, 'nothing'), ...QUIET_NETWORK]);
  expect(nothing.exitCode).toBe(8);
  expect(await readdir(join(folder, 'nothing'))).toEqual([]);
  seed.child.kill('SIGINT');
  await seed.ended;
});

test('limits are kept, and the transfer still ends', async () => {
  const torrent = await makeTorrent();
  const { peer } = await startSeedOf(torrent, '--max-upload', '2M');
  const startedMs = performance.now();
  const download = await runHere([torrent, '-o', join(folder, 'target'), '--peer', peer, ...QUIET_NETWORK]);
  expect(download).toMatchObject({ exitCode: 0 });
  await expectAlbum();
  const seconds = (performance.now() - startedMs) / 1_000;
  // 3 MB at 2 MB/s, a quarter of a second of which may have been saved up.
  expect(seconds).toBeGreaterThan(1.2);
  expect(seconds).toBeLessThan(6);
});

test('seeding ends at its ratio', async () => {
  const torrent = await makeTorrent();
  const { seed, peer } = await startSeedOf(torrent, '--seed-ratio', '1');
  expect(await runHere([torrent, '-o', join(folder, 'target'), '--peer', peer, ...QUIET_NETWORK])).toMatchObject({
    exitCode: 0,
  });
  expect(await seed.ended).toMatchObject({ exitCode: 0 });
});

test('the second signal ends the process while the first still announces', async () => {
  const torrent = await makeTorrent();
  // A tracker that answers the first announce and leaves `stopped` without an answer.
  let stoppedAnnounced = (): void => {};
  const announced = new Promise<void>((resolve) => {
    stoppedAnnounced = resolve;
  });
  const tracker = createHttpServer((request, response) => {
    if (request.url?.includes('event=stopped') === true) stoppedAnnounced();
    else response.end('d8:intervali1800e5:peers0:e');
  });
  await new Promise<void>((resolve) => tracker.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${(tracker.address() as AddressInfo).port}/announce`;
    const args = ['-o', join(folder, 'target'), '--port', '0', '--bind', '127.0.0.1', '--tracker', url, '--json'];
    const twice = new CliProcess([torrent, ...args]);
    await twice.event('progress');
    twice.child.kill('SIGTERM');
    await announced;
    twice.child.kill('SIGTERM');
    expect(await twice.ended).toMatchObject({ exitCode: 143 });
    const once = new CliProcess([torrent, ...args]);
    await once.event('progress');
    const startedMs = performance.now();
    once.child.kill('SIGINT');
    expect(await once.ended).toMatchObject({ exitCode: 7 });
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  } finally {
    tracker.closeAllConnections();
    tracker.close();
  }
});
