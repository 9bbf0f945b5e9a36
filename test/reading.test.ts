// Goal: a program reads a file while it downloads, from another process, over real sockets and files. Method: the built
// command line seeds on loopback, slowly enough that reading overtakes the download; the bytes are compared.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createTorrent, Session, type Torrent } from '../src/index.ts';
import { CliProcess, temporaryFolder } from './cli/cli-process.ts';

/** Nothing leaves this computer. */
const QUIET = { dht: false, localDiscovery: false, portMapping: false } as const;

const sessions: Session[] = [];
const seeds: CliProcess[] = [];

afterEach(async () => {
  for (const seed of seeds.splice(0)) seed.child.kill('SIGKILL');
  for (const session of sessions.splice(0)) await session.close({ timeoutMs: 0 });
});

const FILM_BYTES = 3_000_000;

async function startDownload(): Promise<{ torrent: Torrent; film: Uint8Array }> {
  const folder = await temporaryFolder();
  const album = join(folder, 'seed', 'album');
  await mkdir(album, { recursive: true });
  const film = new Uint8Array(FILM_BYTES);
  for (let i = 0; i < film.length; i++) film[i] = (i * 31 + (i >>> 8) * 7) & 255;
  await writeFile(join(album, 'film.bin'), film);
  await writeFile(join(album, 'other.bin'), new Uint8Array(2_000_000));
  const { bytes } = await createTorrent(album, { pieceLengthBytes: 65_536 });
  await writeFile(join(folder, 'album.torrent'), bytes);
  const seedArguments = ['seed', join(folder, 'album.torrent'), '--data', join(folder, 'seed')];
  const network = ['--port', '0', '--bind', '127.0.0.1', '--no-trackers', '--max-upload', '4M'];
  const seed = new CliProcess([...seedArguments, '--json', ...network]);
  seeds.push(seed);
  const { port } = await seed.event('listening');
  const session = await Session.open({ listenPort: 0, bind: '127.0.0.1', trackers: false, ...QUIET });
  sessions.push(session);
  const torrent = await session.add(bytes, { saveTo: join(folder, 'leech'), peers: [`127.0.0.1:${port}`] });
  expect((await readFile(join(album, 'film.bin'))).equals(film)).toBe(true);
  return { torrent, film };
}

async function readAll(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test('the end and the whole of a film, while it comes from another process', async () => {
  const { torrent, film } = await startDownload();
  const end = readAll(torrent.read(0, { start: 2_500_000 }));
  const whole = readAll(torrent.read(0));
  expect((await end).equals(film.subarray(2_500_000))).toBe(true);
  expect(torrent.stats().haveBytes).toBeLessThan(torrent.totalBytes);
  expect((await whole).equals(film)).toBe(true);
  await torrent.whenComplete();
  expect((await readAll(torrent.read(0, { start: 1, end: 99_999 }))).equals(film.subarray(1, 99_999))).toBe(true);
});

test('a reader that is left, aborted, or wrong from the start', async () => {
  const { torrent } = await startDownload();
  let received = 0;
  for await (const chunk of torrent.read(0)) {
    received += chunk.length;
    break;
  }
  expect(received).toBeGreaterThan(0);
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  await expect(readAll(torrent.read(0, { signal }))).rejects.toBe(reason);
  const waiting = new AbortController();
  const reading = readAll(torrent.read(0, { start: 2_900_000, signal: waiting.signal }));
  waiting.abort(reason);
  await expect(reading).rejects.toBe(reason);
  await expect(readAll(torrent.read(7))).rejects.toBeInstanceOf(RangeError);
  await torrent.remove();
  await expect(readAll(torrent.read(0))).rejects.toMatchObject({ code: 'TORRENT_REMOVED' });
});
