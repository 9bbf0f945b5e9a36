// What a user chooses on the command line, with a real program at the other end: only some files, not too fast, a torrent from
// standard input, a folder shared without making a torrent first.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, type TestContext } from 'vitest';
import { libtorrent } from './clients/all.ts';
import { logOf, millraceMain, QUIET_NETWORK, spawnMillrace } from './clients/millrace.ts';
import { type Offer, Stage } from './stage.ts';
import { fingerprint, type Tree } from './torrents/content.ts';
import { runCommand } from './world/run-command.ts';
import type { RunningProcess } from './world/running-process.ts';

const OPTIONS = ['--json', '--port', '6881', ...QUIET_NETWORK];

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open();
});

afterAll(() => stage.close());

async function download(
  test: TestContext,
  { torrent, content }: Offer,
  args: readonly string[],
): Promise<RunningProcess> {
  await stage.startSeed(test, libtorrent, torrent, content.parent);
  const ours = spawnMillrace(await stage.host(test), ['download', ...args, ...OPTIONS]);
  test.onTestFailed(() => console.error(logOf(ours)));
  test.onTestFinished(async () => {
    await ours.stop('SIGKILL');
  });
  return ours;
}

function pick(tree: Tree, pattern: RegExp): Tree {
  return Object.fromEntries(Object.entries(tree).filter(([path]) => pattern.test(path)));
}

for (const format of ['v1', 'v2', 'hybrid'] as const) {
  it(`--match: only the chosen files of a ${format} torrent are written, and they are complete`, async (test) => {
    const offer = await stage.offer('many', format, 'libtorrent', [stage.tracker.httpUrl]);
    const dataDir = stage.folder('data');
    const ours = await download(test, offer, [offer.torrent.path, '-o', dataDir, '--match', '**/{grain,five}.*']);
    expect(await ours.waitForExit(30_000)).toEqual({ code: 0, signal: null });
    const chosen = pick(offer.tree, /\/(grain|five)\.\w+$/);
    expect(Object.keys(chosen)).toHaveLength(2);
    expect(await fingerprint(dataDir, offer.content.name)).toEqual(chosen);
  });
}

it('--files: numbers are those of show', async (test) => {
  const offer = await stage.offer('many', 'v1', 'libtorrent', [stage.tracker.httpUrl]);
  const dataDir = stage.folder('data');
  const { stdout } = await runCommand(process.execPath, [millraceMain(), 'show', offer.torrent.path, '--json']);
  const { files } = JSON.parse(stdout) as { readonly files: readonly { readonly path: string }[] };
  const number = 1 + files.findIndex(({ path }) => path.endsWith('/big/grain.bin'));
  expect(number).toBeGreaterThan(0);
  const ours = await download(test, offer, [offer.torrent.path, '-o', dataDir, '--files', String(number)]);
  expect(await ours.waitForExit(30_000)).toEqual({ code: 0, signal: null });
  expect(await fingerprint(dataDir, offer.content.name)).toEqual(pick(offer.tree, /grain\.bin$/));
});

it('--max-download holds, within a tenth', async (test) => {
  const offer = await stage.offer('single', 'v1', 'libtorrent', [stage.tracker.httpUrl]);
  const dataDir = stage.folder('data');
  const startedMs = performance.now();
  const ours = await download(test, offer, [offer.torrent.path, '-o', dataDir, '--max-download', '4M']);
  expect(await ours.waitForExit(30_000)).toEqual({ code: 0, signal: null });
  const seconds = (performance.now() - startedMs) / 1000;
  expect(seconds).toBeGreaterThan((offer.content.totalBytes / 4e6) * 0.9);
  expect(await fingerprint(dataDir, offer.content.name)).toEqual(offer.tree);
});

it('--sequential gets everything too', async (test) => {
  const offer = await stage.offer('many', 'hybrid', 'libtorrent', [stage.tracker.udpUrl]);
  const dataDir = stage.folder('data');
  const ours = await download(test, offer, [offer.torrent.path, '-o', dataDir, '--sequential']);
  expect(await ours.waitForExit(30_000)).toEqual({ code: 0, signal: null });
  expect(await fingerprint(dataDir, offer.content.name)).toEqual(offer.tree);
});

it('reads a torrent from standard input', async (test) => {
  const offer = await stage.offer('single', 'v2', 'libtorrent', [stage.tracker.httpUrl]);
  const dataDir = stage.folder('data');
  const ours = await download(test, offer, ['-', '-o', dataDir]);
  ours.child.stdin?.end(readFileSync(offer.torrent.path));
  expect(await ours.waitForExit(30_000)).toEqual({ code: 0, signal: null });
  expect(await fingerprint(dataDir, offer.content.name)).toEqual(offer.tree);
});

it('seed FOLDER makes the torrent itself, and its magnet link is enough for libtorrent', async (test) => {
  const { content, tree } = await stage.content('many');
  const tracker = ['--tracker', stage.tracker.httpUrl];
  const file = join(stage.folder('made'), 'made.torrent');
  await runCommand(process.execPath, [millraceMain(), 'create', content.path, '-o', file, ...tracker]);
  const { stdout } = await runCommand(process.execPath, [millraceMain(), 'show', file, '--json']);
  const { infoHash, infoHashV2 } = JSON.parse(stdout) as Readonly<Record<'infoHash' | 'infoHashV2', string | null>>;
  await stage.tracker.serve([infoHash, infoHashV2].filter((hash) => hash !== null));
  const ours = spawnMillrace(await stage.host(test), [
    'seed',
    content.path,
    ...tracker,
    '--port',
    '6881',
    ...QUIET_NETWORK,
  ]);
  test.onTestFailed(() => console.error(logOf(ours)));
  test.onTestFinished(async () => {
    await ours.stop('SIGINT');
  });
  const line = await ours.waitForLine((text) => text.includes('magnet:?'), 20_000, 'printing a magnet link');
  const source = /magnet:\?\S+/.exec(line)?.[0] ?? '';
  const dataDir = stage.folder('data');
  const theirs = await stage.start(test, libtorrent, { source, dataDir, seeding: false });
  await theirs.waitComplete(30_000);
  await theirs.stop();
  expect(await fingerprint(dataDir, content.name)).toEqual(tree);
});
