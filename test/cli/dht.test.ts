// Goal: `millrace dht`, `millrace doctor` and links that name a publisher keep their contract. Method: three sessions on
// 127.0.0.1 are the DHT; the commands run here, with Node's own sockets, and know one of them.
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { loadFacade } from '../../src/cli/facade.ts';
import { run } from '../../src/cli/program.ts';
import { createTorrent, Session } from '../../src/index.ts';
import { temporaryFolder } from './cli-process.ts';

const NOWHERE = '127.0.0.1:9';
const KEY_HEX = /^[0-9a-f]{64}$/;

const sessions: Session[] = [];
let node = '';
let folder = '';

beforeAll(async () => {
  const quiet = {
    listenPort: 0,
    bind: '127.0.0.1',
    trackers: false,
    localDiscovery: false,
    portMapping: false,
  } as const;
  const first = await Session.open({ ...quiet, dhtBootstrap: [] });
  sessions.push(first);
  node = `127.0.0.1:${first.listening[0]!.port}`;
  // A first call begins it; nobody is there to answer.
  const started = new AbortController();
  const nobody = first.dht!.ping(NOWHERE, { signal: started.signal }).catch(() => undefined);
  for (let i = 0; i < 2; i++) sessions.push(await Session.open({ ...quiet, dhtBootstrap: [node] }));
  await Promise.all(sessions.slice(1).map((session) => session.dht!.probe()));
  started.abort();
  await nobody;
});

afterAll(async () => {
  await Promise.all(sessions.map((session) => session.close({ timeoutMs: 0 })));
});

beforeEach(async () => {
  folder = await temporaryFolder();
});

interface Ran {
  readonly exitCode: number;
  readonly text: string;
  readonly stderr: string;
}

/** Nothing is read from or written to the user's cache. */
async function runHere(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const chunks: Buffer[] = [];
  let stderr = '';
  const exitCode = await run(args, '0.0.0', {
    stdout: { write: (data: string | Uint8Array) => chunks.push(Buffer.from(data as string)) },
    stderr: { write: (text: string) => (stderr += text) },
    env: { XDG_CACHE_HOME: folder, LOCALAPPDATA: folder, ...env },
    stdin: Readable.from([]),
    nowMs: () => performance.now(),
    facade: loadFacade,
    fetchBytes: () => Promise.reject(new Error('fetching needs a process')),
    catchSignals: () => new AbortController().signal,
  });
  return { exitCode, text: Buffer.concat(chunks).toString('utf8'), stderr };
}

function dht(...args: string[]): Promise<Ran> {
  return runHere(['dht', ...args, '--bind', '127.0.0.1', ...(args[0] === 'ping' ? [] : ['--dht-bootstrap', node])]);
}

function jsonOf({ text }: Ran): Readonly<Record<string, unknown>> {
  return JSON.parse(text) as Record<string, unknown>;
}

/** Shared by the first node of the DHT, and announced there. */
async function share(name: string): Promise<{ readonly infoHash: string; readonly bytes: Uint8Array }> {
  const bytes = new Uint8Array(randomBytes(50_000));
  await mkdir(join(folder, 'seed'), { recursive: true });
  await writeFile(join(folder, 'seed', name), bytes);
  const made = await createTorrent(join(folder, 'seed', name));
  await writeFile(join(folder, `${name}.torrent`), made.bytes);
  const torrent = await sessions[0]!.add(made.bytes, { saveTo: join(folder, 'seed'), seedOnly: true });
  await torrent.whenReady();
  return { infoHash: made.infoHash!, bytes };
}

test('ping says whether a node is there', async () => {
  const there = await dht('ping', node);
  expect(there).toMatchObject({ exitCode: 0, stderr: '' });
  expect(there.text).toMatch(new RegExp(`^${node} answered in [0-9.]+ ms, id [0-9a-f]{40}\n$`));
  expect(jsonOf(await dht('ping', node, '--json'))).toMatchObject({
    address: node,
    id: expect.stringMatching(/^\w{40}$/),
  });
  const silent = await dht('ping', NOWHERE, '--timeout', '100ms', '--json');
  expect(silent.exitCode).toBe(5);
  expect(jsonOf(silent)).toMatchObject({ event: 'error', code: 'TIMED_OUT' });
  expect(silent.stderr).toMatch(/^millrace: .*; .*\.\n$/);
});

test('a text is put and got by its target', async () => {
  const put = await dht('put', 'Hello World!');
  expect(put).toMatchObject({ exitCode: 0, stderr: '' });
  // BEP 44, test vector "immutable".
  const target = 'e5f96f6f38320f0f33959cb4d3d656452117aadb';
  expect(put.text).toMatch(new RegExp(`^Target        ${target}\nStored at     3 nodes\n$`));
  expect(await dht('get', target)).toMatchObject({ exitCode: 0, text: 'Hello World!', stderr: '' });
  expect(jsonOf(await dht('get', target, '--json'))).toMatchObject({ target, text: 'Hello World!', seq: null });
  const missing = await dht('get', 'f'.repeat(40));
  expect(missing).toMatchObject({ exitCode: 4, text: '' });
  expect(missing.stderr).toContain('3 nodes that answered');
});

test('a file with a key is put under it, and replaced by its next version', async () => {
  const [file, key] = [join(folder, 'note.bin'), join(folder, 'author.key')];
  await writeFile(file, Uint8Array.of(0xff, 0, 1));
  const first = await dht('put', file, '--key', key, '--salt', 'foobar', '--json');
  expect(first).toMatchObject({ exitCode: 0 });
  const { publicKey, target, seq } = jsonOf(first);
  expect([seq, publicKey]).toEqual([1, expect.stringMatching(KEY_HEX)]);
  expect((await stat(key)).mode & 0o777).toBe(0o600);
  expect(await readFile(key, 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
  expect(jsonOf(await dht('get', String(publicKey), '--salt', 'hex:666f6f626172', '--json'))).toMatchObject({
    target,
    text: null,
    bencoded: Buffer.from([0x33, 0x3a, 0xff, 0, 1]).toString('base64'),
    seq: 1,
  });
  // The same again is the same version; another is the next.
  expect(jsonOf(await dht('put', file, '--key', key, '--salt', 'foobar', '--json'))).toMatchObject({
    seq: 1,
    publicKey,
  });
  expect(jsonOf(await dht('put', 'i7e', '--bencoded', '--key', key, '--salt', 'foobar', '--json'))).toMatchObject({
    seq: 2,
  });
  expect(await dht('get', String(target), '--salt', 'foobar')).toMatchObject({ text: 'i7e' });
  const old = await dht('put', 'late', '--key', key, '--salt', 'foobar', '--seq', '1');
  expect(old.exitCode).toBe(6);
  expect(old.stderr).toContain('a newer version');
  expect((await dht('get', String(publicKey))).exitCode).toBe(4);
});

test('what cannot be put is refused before anything is sent', async () => {
  await writeFile(join(folder, 'no.key'), 'secret');
  for (const args of [
    ['put', 'x', '--salt', 'a'],
    ['put', 'x', '--torrent'],
    ['put', 'x', '--seq', '-1', '--key', join(folder, 'k')],
    ['get', 'abc'],
    ['sample', 'f'.repeat(64)],
    ['lookup', `magnet:?xs=urn:btpk:${'a'.repeat(64)}`],
  ]) {
    expect((await dht(...args)).exitCode, args.join(' ')).toBe(2);
  }
  expect((await dht('put', 'x', '--key', join(folder, 'no.key'))).exitCode).toBe(10);
  expect((await dht('put', 'x'.repeat(1_000))).exitCode).toBe(2);
  expect((await dht('put', 'ab', '--bencoded')).exitCode).toBe(2);
  expect((await runHere(['dht'])).exitCode).toBe(2);
  await writeFile(join(folder, 'secret.bin'), 'secret');
  const { bytes } = await createTorrent(join(folder, 'secret.bin'), { private: true });
  await writeFile(join(folder, 'secret.torrent'), bytes);
  expect(await dht('lookup', join(folder, 'secret.torrent'))).toMatchObject({ exitCode: 2, text: '' });
});

test('lookup finds who has a torrent, sample that it is there', async () => {
  const { infoHash } = await share('shared.bin');
  await expect.poll(async () => (await dht('lookup', infoHash)).text, { interval: 50 }).toBe(`${node}\n`);
  const found = await dht('lookup', `magnet:?xt=urn:btih:${infoHash}`, '--json');
  expect(jsonOf(found)).toMatchObject({ infoHash, peers: [node], seeds: 1, leechers: 0, nodes: 3 });
  const sampled = await dht('sample', infoHash);
  expect(sampled.text.split('\n')).toContain(infoHash);
  expect(jsonOf(await dht('sample', infoHash, '--json'))).toMatchObject({
    infoHashes: expect.arrayContaining([infoHash]),
  });
});

function findingsOf({ text }: Ran): Record<string, { readonly state: string; readonly message: string }> {
  const lines = text.trimEnd().split('\n');
  return Object.fromEntries(lines.map((line) => JSON.parse(line)).map((finding) => [finding.test, finding]));
}

test('doctor tests each part and says what to do', async () => {
  const tracker = createServer((_, response) =>
    response.writeHead(404, { date: new Date(Date.now() - 1e6).toUTCString() }).end(),
  );
  await new Promise<void>((resolve) => tracker.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(tracker.address() as AddressInfo).port}/announce`;
  try {
    const { infoHash } = await share('checked.bin');
    const args = [
      '--port',
      '0',
      '--bind',
      '127.0.0.1',
      '--dht-bootstrap',
      node,
      '--no-port-mapping',
      '-o',
      folder,
      '--json',
    ];
    const seen = await runHere(['doctor', `magnet:?xt=urn:btih:${infoHash}&tr=${encodeURIComponent(url)}`, ...args]);
    expect(seen).toMatchObject({ exitCode: 0, stderr: '' });
    expect(findingsOf(seen)).toMatchObject({
      tcp: { state: 'ok' },
      udp: { state: 'ok' },
      router: { state: 'skipped', message: 'switched off' },
      dns: { state: 'skipped' },
      trackers: { state: 'warn', message: expect.stringContaining('404') },
      dht: { state: 'warn', message: '3 nodes answered' },
      disk: { state: 'ok' },
      clock: { state: 'warn', message: expect.stringMatching(/100[01] s behind ours/) },
    });
  } finally {
    tracker.close();
  }
});

test('doctor without a network fails for nothing but what is broken here', async () => {
  const port = node.split(':')[1]!;
  const taken = await runHere(['doctor', '--offline', '--bind', '127.0.0.1', '--port', port, '-o', folder, '--json']);
  expect(taken.exitCode).toBe(6);
  expect(findingsOf(taken)).toMatchObject({ tcp: { state: 'fail', message: expect.stringContaining(port) } });
  const fine = await runHere([
    'doctor',
    '--offline',
    '--bind',
    '127.0.0.1',
    '--port',
    '0',
    '-o',
    join(folder, 'new', 'er'),
  ]);
  expect(fine).toMatchObject({ exitCode: 0, stderr: '' });
  expect(fine.text.match(/^(ok|-) +\w+ +.*$/gm)).toHaveLength(8);
  await writeFile(join(folder, 'file'), '');
  const broken = await runHere([
    'doctor',
    '--offline',
    '--bind',
    '127.0.0.1',
    '--port',
    '0',
    '-o',
    join(folder, 'file'),
  ]);
  expect(broken.exitCode).toBe(10);
});

// The last one: its node is missed by the others when it has gone.
test('a link that names a publisher downloads what the publisher shares (BEP 46)', async () => {
  const { bytes } = await share('issue.bin');
  const torrent = join(folder, 'issue.bin.torrent');
  const put = await dht('put', torrent, '--torrent', '--key', join(folder, 'k'), '--salt', 'news', '--json');
  expect(put).toMatchObject({ exitCode: 0 });
  const magnet = String(jsonOf(put)['magnet']);
  expect(magnet).toMatch(/^magnet:\?xs=urn:btpk:[0-9a-f]{64}&s=6e657773$/);
  const options = ['-o', join(folder, 'got'), '--port', '0', '--bind', '127.0.0.1', '--dht-bootstrap', node, '--json'];
  const quiet = ['--no-lsd', '--no-port-mapping', '--no-trackers', '--timeout', '20s'];
  const got = await runHere(['download', magnet, ...options, ...quiet]);
  expect(got).toMatchObject({ exitCode: 0 });
  expect(Buffer.compare(await readFile(join(folder, 'got', 'issue.bin')), bytes)).toBe(0);

  const other = magnet.replace(/&s=.*/, '');
  const unknown = await runHere(['download', other, ...options, ...quiet, '--timeout', '500ms']);
  expect(unknown.exitCode).toBe(4);
  const off = await runHere(['download', magnet, ...options, ...quiet, '--no-dht']);
  expect(off.exitCode).toBe(4);
});
