// A whole swarm on this machine in a few seconds: a tracker of our own, one seed and three leechers, each a real `millrace`
// process, share a folder of files over loopback. Every byte is compared, every process must end well; exit code 1 otherwise.
// Needs no root, no network and no other program.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const MAIN = join(ROOT, 'dist', 'cli', 'main.js');
const LEECHERS = ['Anna', 'Bela', 'Cora'];
const MIB = 1024 * 1024;
const FILES = {
  'wheat.bin': 9 * MIB + 17,
  'rye.bin': 5 * MIB,
  'recipes/bread.txt': 4_321,
  'recipes/old/crumbs.txt': 5,
  'empty.txt': 0,
};
const SEED_RATE = '6MiB/s'; // slow enough that the leechers have to trade with each other
const DEADLINE_MS = 28_000;

const folder = mkdtempSync(join(tmpdir(), 'millrace-demo-'));
const processes = [];
const startedMs = performance.now();
const say = (text) => console.log(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(5)} s  ${text}`);
const mebibytes = (bytes) => `${(bytes / MIB).toFixed(1)} MiB`;

/** A tracker of one private swarm: HTTP announces in, compact IPv4 peers out (BEP 3, BEP 23). */
function startTracker() {
  const peers = new Map(); // BOUNDED: the four processes of this script
  const events = [];
  const server = createServer((request, response) => {
    const query = new URLSearchParams(request.url.slice(request.url.indexOf('?') + 1));
    const port = Number(query.get('port'));
    const event = query.get('event') ?? '';
    if (event !== '') events.push(event);
    const others = [...peers.keys()].filter((known) => known !== port);
    if (event === 'stopped') peers.delete(port);
    else peers.set(port, Number(query.get('left')));
    const compact = Buffer.concat(others.map((known) => Buffer.from([127, 0, 0, 1, known >> 8, known & 0xff])));
    const head = Buffer.from(`d8:intervali2e12:min intervali1e5:peers${compact.length}:`);
    response.end(Buffer.concat([head, compact, Buffer.from('e')]));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      resolve({ server, peers, events, url: `http://127.0.0.1:${server.address().port}/announce` });
    });
  });
}

/** Starts the command line; keeps its `--json` events and its exit. */
function millrace(name, args) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const events = [];
  const waiting = [];
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text;
  });
  const lines = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    if (!line.startsWith('{')) return;
    const event = JSON.parse(line);
    events.push(event);
    for (const wait of waiting) if (wait.event === event.event) wait.resolve(event);
  });
  const exited = new Promise((resolve) => {
    child.once('close', (code, signal) => {
      resolve({ code, signal, errors, output: lines.join('\n') });
      for (const wait of waiting)
        wait.reject(new Error(`${name} ended (${code ?? signal}) before "${wait.event}": ${errors}`));
    });
  });
  const until = (event) => {
    const known = events.find((candidate) => candidate.event === event);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve, reject) => waiting.push({ event, resolve, reject }));
  };
  const started = { name, child, events, exited, until };
  processes.push(started);
  return started;
}

async function run(args) {
  const { code, errors, output } = await millrace(args[0], args).exited;
  if (code !== 0) throw new Error(`millrace ${args.join(' ')} ended with ${code}: ${errors}`);
  return output;
}

function treeOf(path) {
  const tree = {};
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath ?? entry.path, entry.name);
    tree[relative(path, file)] = createHash('sha256').update(readFileSync(file)).digest('hex');
  }
  return JSON.stringify(Object.entries(tree).sort());
}

function makeFiles(target) {
  let state = 0x6d696c6c;
  for (const [name, lengthBytes] of Object.entries(FILES)) {
    const bytes = Buffer.alloc(lengthBytes);
    for (let index = 0; index < lengthBytes; index++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      bytes[index] = state >>> 24;
    }
    mkdirSync(dirname(join(target, name)), { recursive: true });
    writeFileSync(join(target, name), bytes);
  }
}

const uploadedBy = ({ events }) => events.filter(({ event }) => event === 'progress').at(-1)?.uploaded ?? 0;

async function story(tracker) {
  const source = join(folder, 'seed', 'mill');
  makeFiles(source);
  const total = Object.values(FILES).reduce((sum, lengthBytes) => sum + lengthBytes, 0);
  say(`A folder of ${Object.keys(FILES).length} files, ${mebibytes(total)}, and a tracker on ${tracker.url}`);

  const torrent = join(folder, 'mill.torrent');
  await run(['create', source, '-o', torrent, '--tracker', tracker.url, '--private', '--piece-length', '65536']);
  say(`A torrent of it: ${JSON.parse(await run(['show', torrent, '--json'])).infoHash}`);

  const options = [
    '--json',
    '--port',
    '0',
    '--bind',
    '127.0.0.1',
    '--no-dht',
    '--no-lsd',
    '--no-pex',
    '--no-utp',
    '--no-port-mapping',
  ];
  const seedOptions = ['--data', dirname(source), '--max-upload', SEED_RATE];
  const seed = millrace('the seed', ['seed', torrent, ...seedOptions, ...options]);
  say(`The seed shares it on port ${(await seed.until('listening')).port}, at ${SEED_RATE} at most`);

  const leechers = LEECHERS.map((name) => {
    const target = join(folder, name);
    return { target, ...millrace(name, ['download', torrent, '-o', target, '--seed', ...options]) };
  });
  for (const leecher of leechers) say(`${leecher.name} downloads on port ${(await leecher.until('listening')).port}`);
  await Promise.all(
    leechers.map(async (leecher) => {
      const { seconds } = await leecher.until('complete');
      say(`${leecher.name} has everything after ${seconds.toFixed(1)} s`);
    }),
  );

  const expected = treeOf(source);
  for (const leecher of leechers) {
    if (treeOf(join(leecher.target, 'mill')) !== expected) throw new Error(`${leecher.name} got different bytes`);
    await run(['verify', torrent, leecher.target]);
  }
  say('All three folders are the same as the first, byte for byte');

  for (const { child } of [...leechers, seed]) child.kill('SIGINT');
  for (const { name, exited } of [...leechers, seed]) {
    const { code, errors } = await exited;
    if (code !== 0) throw new Error(`${name} ended with exit code ${code}: ${errors}`);
  }
  const given = [seed, ...leechers].map((peer) => `${peer.name} ${mebibytes(uploadedBy(peer))}`);
  say(`Uploaded: ${given.join(', ')}`);
  const completed = tracker.events.filter((event) => event === 'completed').length;
  if (completed !== LEECHERS.length) throw new Error(`the tracker heard "completed" ${completed} times`);
  if (tracker.peers.size > 0) throw new Error(`${tracker.peers.size} peers did not say goodbye to the tracker`);
  say('Everybody said goodbye to the tracker');
}

let timer;
const tooLate = new Promise((_resolve, reject) => {
  timer = setTimeout(() => reject(new Error(`not done after ${DEADLINE_MS / 1000} s`)), DEADLINE_MS);
});
const tracker = await startTracker();
try {
  await Promise.race([story(tracker), tooLate]);
} catch (error) {
  console.error(`demo: ${error.message}`);
  for (const { name, events } of processes) {
    const last = events.at(-1);
    if (last?.event !== undefined) console.error(`  ${name}, last event: ${JSON.stringify(last)}`);
  }
  process.exitCode = 1;
} finally {
  clearTimeout(timer);
  for (const { child } of processes) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  await Promise.all(processes.map(({ exited }) => exited));
  tracker.server.closeAllConnections();
  tracker.server.close();
  rmSync(folder, { recursive: true, force: true });
}
