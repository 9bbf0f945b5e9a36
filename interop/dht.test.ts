// Peers found through the DHT alone, without a tracker: a network of libtorrent's nodes in which Millrace looks up what
// libtorrent announces, and libtorrent and aria2 what Millrace announces, over IPv4.

import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SYSTEM_PYTHON } from './clients/libtorrent.ts';
import { eventNamed, eventsOf, spawnMillrace } from './clients/millrace.ts';
import { makeTorrent } from './torrents/makers.ts';
import { fileFromRoot } from './world/root.ts';
import type { RunningProcess } from './world/running-process.ts';
import { type Host, World } from './world/world.ts';

const PORT = 6881;
const NODES = 6;
const LIMIT_MS = 40_000;
const NO_OTHERS = ['--json', '--port', String(PORT), '--no-trackers', '--no-lsd', '--no-pex', '--no-utp'];

let world: World;
let bootstrap: string;

beforeAll(async () => {
  world = await World.create();
  const first = await world.addHost('dht');
  bootstrap = `${first.address}:${PORT}`;
  await startNode(first, 'node', '');
  for (let i = 1; i < NODES; i++) await startNode(await world.addHost(`dht${i}`), 'node', bootstrap);
}, LIMIT_MS);

afterAll(() => world.close());

async function startNode(host: Host, ...args: readonly string[]): Promise<RunningProcess> {
  const [mode, boot, ...rest] = args;
  const script = fileFromRoot('interop/clients/libtorrent-dht.py');
  const process = host.spawn('libtorrent', SYSTEM_PYTHON, [script, mode!, String(PORT), '0.0.0.0', boot!, ...rest]);
  await process.waitForLine((line) => line === '{"event": "ready"}', LIMIT_MS, 'being ready');
  return process;
}

/** A folder for a host; what the program keeps for itself goes there too. */
function folderOf(host: Host, name: string): string {
  const folder = join(world.directory, host.name, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

function makeContent(host: Host): { folder: string; path: string; bytes: Uint8Array } {
  const folder = folderOf(host, 'data');
  const path = join(folder, `${host.name}.bin`);
  const bytes = randomBytes(700_000);
  writeFileSync(path, bytes);
  return { folder, path, bytes };
}

async function startMillraceSeed(host: Host): Promise<{ magnet: string; bytes: Uint8Array; name: string }> {
  const { path, bytes } = makeContent(host);
  const process = spawnMillrace(host, ['seed', path, ...NO_OTHERS, '--dht-bootstrap', bootstrap]);
  await process.waitForLine(eventNamed('added'), LIMIT_MS, 'the torrent');
  const added = eventsOf(process).find(({ event }) => event === 'added')!;
  return { magnet: `magnet:?xt=urn:btih:${added['infoHash']}`, bytes, name: `${host.name}.bin` };
}

it('Millrace finds what libtorrent announces', { timeout: 2 * LIMIT_MS }, async () => {
  const [seed, leech] = [await world.addHost('lt-seed'), await world.addHost('mr-leech')];
  const { folder, path, bytes } = makeContent(seed);
  const torrent = await makeTorrent('libtorrent', { path, out: join(folder, 'x.torrent'), format: 'v1', trackers: [] });
  await startNode(seed, 'seed', bootstrap, torrent.path, folder);
  const output = folderOf(leech, 'got');
  const magnet = `magnet:?xt=urn:btih:${torrent.trackerHashes[0]}`;
  const process = spawnMillrace(leech, ['download', magnet, '-o', output, ...NO_OTHERS, '--dht-bootstrap', bootstrap]);
  await process.waitForLine(eventNamed('complete'), LIMIT_MS, 'having every piece');
  expect(readFileSync(join(output, 'lt-seed.bin')).equals(bytes)).toBe(true);
});

it('libtorrent finds what Millrace announces', { timeout: 2 * LIMIT_MS }, async () => {
  const { magnet, bytes, name } = await startMillraceSeed(await world.addHost('mr-seed'));
  const leech = await world.addHost('lt-leech');
  const output = folderOf(leech, 'got');
  const process = await startNode(leech, 'get', bootstrap, magnet, output);
  await process.waitForLine((line) => line === '{"event": "complete"}', LIMIT_MS, 'having every piece');
  expect(readFileSync(join(output, name)).equals(bytes)).toBe(true);
});

/** The end of a command that asks the DHT. */
async function askMillrace(host: Host, ...args: readonly string[]): Promise<{ text: string; code: number | null }> {
  const process = spawnMillrace(host, ['dht', ...args, '--dht-bootstrap', bootstrap]);
  const { code } = await process.exited;
  return { text: process.stdoutLines.join('\n'), code };
}

it('libtorrent keeps what Millrace puts, and reads it; and the other way round', {
  timeout: 2 * LIMIT_MS,
}, async () => {
  const host = await world.addHost('mr-dht');
  // Items of libtorrent's nodes, signed and not.
  const put = await askMillrace(host, 'put', 'from Millrace', '--json');
  expect(put.code, put.text).toBe(0);
  const { target } = JSON.parse(put.text) as { target: string };
  const reader = await startNode(await world.addHost('lt-reader'), 'item', bootstrap, target);
  await reader.waitForLine((line) => line === '{"event": "item", "text": "from Millrace"}', LIMIT_MS, 'the item');
  const key = join(folderOf(host, 'keys'), 'key');
  for (const [version, text] of ['first', 'second'].entries()) {
    const signed = await askMillrace(host, 'put', text, '--key', key, '--salt', 'news', '--json');
    expect(JSON.parse(signed.text)).toMatchObject({ seq: version + 1 });
    const { publicKey } = JSON.parse(signed.text) as { publicKey: string };
    expect((await askMillrace(host, 'get', publicKey, '--salt', 'news')).text).toBe(text);
  }

  const writer = await startNode(await world.addHost('lt-writer'), 'put', bootstrap, 'from libtorrent');
  await writer.waitForLine((line) => line === '{"event": "stored"}', LIMIT_MS, 'having stored it');
  const hash = createHash('sha1').update('15:from libtorrent').digest('hex');
  expect(await askMillrace(host, 'get', hash)).toEqual({ text: 'from libtorrent', code: 0 });
});

it('aria2 finds what Millrace announces', { timeout: 2 * LIMIT_MS }, async () => {
  const { magnet, bytes, name } = await startMillraceSeed(await world.addHost('mr-seed2'));
  const leech = await world.addHost('aria2-leech');
  const output = folderOf(leech, 'got');
  const process = leech.spawn('aria2', 'aria2c', [
    '--no-conf',
    `--dir=${output}`,
    '--seed-time=0',
    '--enable-dht=true',
    '--enable-dht6=false',
    `--dht-listen-port=${PORT}`,
    `--listen-port=${PORT}`,
    `--dht-entry-point=${bootstrap}`,
    `--dht-file-path=${join(output, '..', 'dht.dat')}`,
    '--bt-enable-lpd=false',
    '--enable-peer-exchange=false',
    '--file-allocation=none',
    magnet,
  ]);
  await process.waitForLine(
    (line) => line.includes('download completed') || line.includes('(OK)'),
    2 * LIMIT_MS,
    'the end',
  );
  expect(readFileSync(join(output, name)).equals(bytes)).toBe(true);
});
