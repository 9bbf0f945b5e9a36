// Peers that are found by one source alone: local discovery between two programs on one network, and peer exchange by way of a
// third program that both know.
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { aria2, libtorrent, subject, transmission } from './clients/all.ts';
import { type Client, PEER_PORT, type RunningClient } from './clients/client.ts';
import { eventsOf, logOf, QUIET_NETWORK, spawnMillrace } from './clients/millrace.ts';
import { type Offer, Stage } from './stage.ts';
import { fingerprint } from './torrents/content.ts';
import type { RunningProcess } from './world/running-process.ts';
import type { Host } from './world/world.ts';

const SEEDING_TIMEOUT_MS = 20_000;
const FOUND_TIMEOUT_MS = 150_000;
const SLOW = ['--max-upload', '50k'];

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open();
});

afterAll(() => stage.close());

function offer(): Promise<Offer> {
  return stage.offer('single', 'v1', 'libtorrent', []);
}

/** Programs that leave the choice of interface to the system need a route for multicast. */
async function neighbour(test: TestContext): Promise<Host> {
  const host = await stage.host(test);
  await host.run('ip', ['route', 'replace', '224.0.0.0/4', 'dev', 'eth0']);
  return host;
}

async function untilSeeding(running: RunningClient): Promise<void> {
  if (running.program !== 'millrace') return running.waitComplete(SEEDING_TIMEOUT_MS);
  await running.process.waitForLine((line) => line.includes('"complete"'), SEEDING_TIMEOUT_MS, 'sharing every piece');
}

describe('local discovery alone', () => {
  async function meet(test: TestContext, seed: Client, leecher: Client): Promise<void> {
    const { content, torrent, tree } = await offer();
    const shared = { source: torrent.path, discovery: 'lsd' } as const;
    const source = await neighbour(test);
    const sharing = await stage.start(test, seed, { ...shared, host: source, dataDir: content.parent, seeding: true });
    if (seed !== subject) await untilSeeding(sharing);
    const dataDir = stage.folder(`${leecher.program}-data`);
    const host = await neighbour(test);
    const running = await stage.start(test, leecher, { ...shared, host, dataDir, seeding: false });
    await running.waitComplete(FOUND_TIMEOUT_MS);
    await running.stop();
    expect(await fingerprint(dataDir, content.name)).toEqual(tree);
  }

  describe.each([libtorrent, transmission, aria2])('$program', (rival) => {
    it('is found by us, or finds us, when it shares', { timeout: 200_000 }, (test) => meet(test, rival, subject));
    it('is found by us, or finds us, when it downloads', { timeout: 200_000 }, (test) => meet(test, subject, rival));
  });
});

interface Progress {
  readonly sources: Readonly<Record<string, number>>;
}

function sourcesOf(process: RunningProcess): Progress['sources'] {
  const progress = eventsOf(process).filter(({ event }) => event === 'progress');
  return (progress.at(-1) as unknown as Progress | undefined)?.sources ?? {};
}

describe('peer exchange alone', () => {
  function spawn(test: TestContext, host: Host, args: readonly string[]): RunningProcess {
    const process = spawnMillrace(host, [...args, '--json', '--port', String(PEER_PORT)]);
    test.onTestFailed(() => console.error(logOf(process)));
    test.onTestFinished(async () => {
      await process.stop('SIGKILL');
    });
    return process;
  }

  const quiet = QUIET_NETWORK;
  const withPex = QUIET_NETWORK.filter((option) => option !== '--no-pex');

  async function untilSource(process: RunningProcess, source: string): Promise<void> {
    const isThere = (line: string): boolean =>
      line.includes('"progress"') && ((JSON.parse(line) as Progress).sources[source] ?? 0) > 0;
    await process.waitForLine(isThere, FOUND_TIMEOUT_MS, `a peer by ${source}`);
  }

  describe.each([libtorrent, transmission, aria2])('$program', (rival) => {
    it('tells us of a peer that only it knows', { timeout: 200_000 }, async (test) => {
      const { content, torrent } = await offer();
      const hub = await stage.host(test);
      const hubAddress = `${hub.address}:${PEER_PORT}`;
      const shared = { source: torrent.path, discovery: 'pex' } as const;
      await stage.start(test, rival, { ...shared, host: hub, dataDir: stage.folder('hub'), seeding: false });
      const data = stage.folder('asking');
      const slow = ['--peer', hubAddress, '--max-download', '20k', ...withPex];
      const asking = spawn(test, await stage.host(test), ['download', torrent.path, '-o', data, ...slow]);
      await untilSource(asking, 'user');
      // aria2 tells of peers in their first minute alone, once a minute: this one comes last.
      const seed = ['seed', torrent.path, '--data', content.parent, '--peer', hubAddress, ...SLOW, ...quiet];
      spawn(test, await stage.host(test), seed);
      await untilSource(asking, 'pex');
    });

    it('hears of a peer from us', { timeout: 200_000 }, async (test) => {
      const { content, torrent } = await offer();
      const hubHost = await stage.host(test);
      const hubAddress = `${hubHost.address}:${PEER_PORT}`;
      const rivalHost = await stage.host(test);
      const rivalAddress = `${rivalHost.address}:${PEER_PORT}`;
      const shared = { source: torrent.path, discovery: 'pex' } as const;
      await stage.start(test, rival, { ...shared, host: rivalHost, dataDir: stage.folder('rival'), seeding: false });
      const toHub = ['--peer', hubAddress, ...SLOW, ...quiet];
      const seed = spawn(test, await stage.host(test), ['seed', torrent.path, '--data', content.parent, ...toHub]);
      const hub = ['download', torrent.path, '-o', stage.folder('hub'), '--peer', rivalAddress, ...SLOW, ...withPex];
      spawn(test, hubHost, hub);
      // The seed takes no part in peer exchange: whoever connects to it was told by the hub.
      await untilSource(seed, 'incoming');
      expect(sourcesOf(seed)['pex']).toBe(0);
    });
  });
});
