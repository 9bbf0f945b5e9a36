// The program under test of the scale benchmark: the built package in a process of its own, as any program would use it. One command
// a line on standard input, one line of JSON back:
//   bulk FROM TO     adds torrents as fast as they can be read; answers once all seed
//   single FROM TO   adds them one by one, each only after the one before it seeds
//   drop             removes all
//   listen           answers with the port
//   memory           collects garbage and answers with what is left
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { fileFromRoot } from '../../interop/world/root.ts';
import type * as Millrace from '../../src/index.ts';

/** What is measured is the torrents, and nothing leaves this computer. */
const QUIET = { dht: false, localDiscovery: false, portMapping: false } as const;
/** Torrents added before sockets and threads have their turn. */
const ADDS_PER_TURN = 32;

const [torrentDir = '', dataDir = '', mode = 'verified'] = process.argv.slice(2);
const { Session } = (await import(pathToFileURL(fileFromRoot('dist/index.js')).href)) as typeof Millrace;
const session = await Session.open({ listenPort: 0, bind: '127.0.0.1', connectionsMax: 10_000, ...QUIET });
let answerCount = 0;

function say(fields: object): void {
  process.stdout.write(`${JSON.stringify({ answer: ++answerCount, ...fields })}\n`);
}

function add(index: number): Promise<Millrace.Torrent> {
  const bytes = readFileSync(join(torrentDir, `${String(index).padStart(5, '0')}.torrent`));
  return session.add(bytes, { saveTo: dataDir, verify: mode === 'trusted' ? 'never' : 'auto' });
}

async function bulk(from: number, to: number): Promise<object> {
  const startedMs = performance.now();
  const cpuBefore = process.cpuUsage();
  let leftCount = to - from;
  const allSeed = new Promise<void>((resolve) => {
    const handleSeed = (): void => {
      leftCount--;
      if (leftCount === 0) resolve();
    };
    const run = async (): Promise<void> => {
      for (let index = from; index < to; index++) {
        const torrent = await add(index);
        torrent.on('complete', handleSeed);
        if (index % ADDS_PER_TURN === 0) await nextTurn();
      }
    };
    void run();
  });
  await allSeed;
  const { user, system } = process.cpuUsage(cpuBefore);
  const isWrong = session.torrents.some(({ state }) => state !== 'seeding');
  if (isWrong) throw new Error('a torrent does not seed');
  return { seconds: (performance.now() - startedMs) / 1000, cpuSeconds: (user + system) / 1e6 };
}

/** Of each: how long the call took, and how long until it seeded, in microseconds. */
async function single(from: number, to: number): Promise<object> {
  const addMicroseconds: number[] = [];
  const seedMicroseconds: number[] = [];
  for (let index = from; index < to; index++) {
    const startedMs = performance.now();
    const torrent = await add(index);
    addMicroseconds.push(Math.round((performance.now() - startedMs) * 1000));
    await torrent.whenComplete();
    seedMicroseconds.push(Math.round((performance.now() - startedMs) * 1000));
  }
  return { addMicroseconds, seedMicroseconds };
}

async function drop(): Promise<object> {
  await Promise.all(session.torrents.map((torrent) => torrent.remove()));
  return { torrentCount: session.torrents.length };
}

async function memory(): Promise<object> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await nextTurn();
  }
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
  const timerCount = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  return { heapUsed, external, arrayBuffers, rss, timerCount, peerCount: session.stats().peerCount };
}

async function run(line: string): Promise<object> {
  const [command = '', from = '', to = ''] = line.split(' ');
  switch (command) {
    case 'bulk':
      return await bulk(Number(from), Number(to));
    case 'single':
      return await single(Number(from), Number(to));
    case 'drop':
      return await drop();
    case 'listen':
      return { port: session.listening[0]?.port ?? 0 };
    case 'memory':
      return await memory();
    default:
      throw new Error(`unknown command: ${command}`);
  }
}

say({});
for await (const line of createInterface({ input: process.stdin })) say(await run(line));
