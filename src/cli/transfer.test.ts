// Goal: what the user is told and which exit code follows from how a torrent ends. Method: a session whose one
// torrent ends in a given way.
import { expect, test } from 'vitest';
import type { SessionLike, TorrentLike } from '../engine/api.ts';
import { SessionError } from '../platform/session-error.ts';
import { createReporter } from './output/create-reporter.ts';
import { contextWithTorrent, statsWith, torrentWith } from './testing/fakes.ts';
import { Transfer, type TransferJob } from './transfer.ts';
import type { TransferFlags } from './transfer-options.ts';

const job: TransferJob = { source: 'magnet:?', files: undefined, saveTo: '/data', isSeed: false, verify: 'auto' };
const flags: TransferFlags = {
  tcp: true,
  trackers: true,
  dht: false,
  pex: true,
  lsd: true,
  portMapping: true,
  limitLocal: true,
};

async function run(
  torrent: ReturnType<typeof torrentWith>,
  options: {
    readonly flags?: Partial<TransferFlags>;
    readonly job?: Partial<TransferJob>;
    readonly interrupt?: AbortSignal;
  } = {},
) {
  const context = contextWithTorrent(torrent, options.interrupt);
  const allFlags = { ...flags, ...options.flags };
  const reporter = createReporter(context, { json: true, quiet: false, verbosity: 0 });
  const interrupt = options.interrupt ?? new AbortController().signal;
  const exitCode = await new Transfer(context, allFlags, reporter, interrupt).run([{ ...job, ...options.job }]);
  const events = context.stdout.lines.map((line) => (JSON.parse(line) as { event: string }).event);
  return { exitCode, events, context };
}

test('a torrent that completes exits with 0 and closes the session in good order', async () => {
  const { exitCode, events, context } = await run(torrentWith({ whenComplete: () => Promise.resolve() }));
  expect(exitCode).toBe(0);
  expect(events).toEqual(['listening', 'added', 'progress', 'complete']);
  expect(context.closed).toEqual([3_000]);
});

test('a torrent that fails gives its exit code, in stdout and stderr', async () => {
  const failing = torrentWith({ whenReady: () => Promise.reject(new SessionError('DISK_FULL', 'No space is left.')) });
  const { exitCode, events, context } = await run(failing);
  expect(exitCode).toBe(9);
  expect(events).toEqual(['listening', 'added', 'error']);
  expect(context.stderr.lines).toHaveLength(1);
});

test('an interrupt leaves with 7, or with 0 when everything is done', async () => {
  const unfinished = new AbortController();
  setTimeout(() => unfinished.abort(new Error('SIGINT')), 20);
  expect((await run(torrentWith({}), { interrupt: unfinished.signal })).exitCode).toBe(7);
  const seeding = new AbortController();
  setTimeout(() => seeding.abort(new Error('SIGINT')), 20);
  const complete = torrentWith({ whenComplete: () => Promise.resolve() });
  const result = await run(complete, { interrupt: seeding.signal, flags: { seed: true } });
  expect(result.exitCode).toBe(0);
  expect(result.events).toContain('complete');
});

test('an interrupt that came before anything started leaves with 7', async () => {
  const { exitCode, events } = await run(torrentWith({}), { interrupt: AbortSignal.abort(new Error('SIGTERM')) });
  expect(exitCode).toBe(7);
  expect(events).not.toContain('added');
});

test('time up is 5, and 4 while the metadata is missing', async () => {
  const timedOut = await run(torrentWith({}), { flags: { timeout: 10 } });
  expect(timedOut.exitCode).toBe(5);
  expect(timedOut.context.stdout.text).toContain('"code":"TIMED_OUT"');
  const withoutMetadata = torrentWith({ files: [], pieceCount: 0, whenReady: torrentWith({}).whenComplete });
  const { exitCode, context } = await run(withoutMetadata, { flags: { timeout: 10 } });
  expect(exitCode).toBe(4);
  expect(context.stdout.text).toContain('"code":"METADATA_NOT_FOUND"');
});

test('seeding ends at the ratio or after the time', async () => {
  const atRatio = torrentWith({ whenComplete: () => Promise.resolve(), stats: () => statsWith({ ratio: 1.5 }) });
  expect((await run(atRatio, { flags: { seedRatio: 1.5 } })).exitCode).toBe(0);
  expect((await run(atRatio, { flags: { seedTime: 10 } })).exitCode).toBe(0);
});

test('sharing what is not there is a failed verification, sharing a part of it only a note', async () => {
  const nothing = torrentWith({ stats: () => statsWith({ haveBytes: 0 }) });
  expect((await run(nothing, { job: { isSeed: true } })).exitCode).toBe(8);
  const part = torrentWith({ stats: () => statsWith({ haveBytes: 1_000 }) });
  const { exitCode, events, context } = await run(part, { job: { isSeed: true }, flags: { seedTime: 1 } });
  expect(exitCode).toBe(0);
  expect(events).toEqual(['listening', 'added', 'magnet', 'progress']);
  expect(context.stderr.text).toContain('only 1000 of 1048576 bytes');
});

test('a magnet link whose files fit no selection is a usage error, not a wait', async () => {
  let announceMetadata = (): void => {};
  let stopped = 0;
  const late = {
    ...torrentWith({ whenReady: torrentWith({}).whenComplete }),
    files: [] as { index: number; path: string; lengthBytes: number; pad: boolean; wanted: boolean }[],
    on: (name: string, listener: (payload: never) => void) => {
      if (name === 'metadata') announceMetadata = () => listener(undefined as never);
      return () => {};
    },
    stop: () => {
      stopped++;
      return Promise.resolve();
    },
  };
  setTimeout(() => {
    late.files = [{ index: 0, path: 'a.txt', lengthBytes: 1, pad: false, wanted: true }];
    announceMetadata();
  }, 10);
  const { exitCode, events } = await run(late, { flags: { match: ['*.mkv'] } });
  expect(exitCode).toBe(2);
  expect(events).toEqual(['listening', 'added', 'metadata', 'error']);
  expect(stopped).toBe(1);
});

test('session options follow the flags', async () => {
  const done = torrentWith({ whenComplete: () => Promise.resolve() });
  const { context } = await run(done, {
    flags: { port: 0, bind: '127.0.0.1', maxDownload: 5, maxUpload: 6, tcp: false, trackers: false },
  });
  expect(context.sessions[0]).toMatchObject({
    listenPort: 0,
    bind: '127.0.0.1',
    maxDownloadBytesPerSecond: 5,
    maxUploadBytesPerSecond: 6,
    tcp: false,
    trackers: false,
  });
});

test('a newer torrent of the publisher takes the place of the old one, which no longer counts', async () => {
  const link = `magnet:?xs=urn:btpk:${'a'.repeat(64)}`;
  const steps: string[] = [];
  let tell: (payload: { torrent: TorrentLike; infoHash: string }) => void = () => {};
  // Never complete: the command ends only because the other one has taken its place.
  const old = torrentWith({ remove: async () => void steps.push('removed') });
  const newer = torrentWith({ infoHash: 'b'.repeat(40), whenComplete: () => Promise.resolve() });
  const context = contextWithTorrent(old);
  const facade = await context.facade();
  const session = await facade.openSession();
  const published: SessionLike = {
    ...session,
    add: async (source) => {
      steps.push(`added ${String(source)}`);
      if (steps.length > 1) return newer;
      setImmediate(() => tell({ torrent: old, infoHash: 'b'.repeat(40) }));
      return old;
    },
    on: (name, listener) => {
      if (name === 'torrentUpdated') tell = listener as typeof tell;
      return () => {};
    },
  };
  const withUpdates = { ...context, facade: async () => ({ ...facade, openSession: async () => published }) };
  const reporter = createReporter(withUpdates, { json: true, quiet: false, verbosity: 0 });
  const transfer = new Transfer(withUpdates, flags, reporter, new AbortController().signal);
  expect(await transfer.run([{ ...job, source: link }])).toBe(0);
  expect(steps).toEqual([`added ${link}`, 'removed', `added ${link}`]);
  const lines = context.stdout.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.map(({ event }) => event)).toEqual(['listening', 'added', 'updated', 'added', 'progress', 'complete']);
  expect(lines[2]).toMatchObject({ infoHash: 'a'.repeat(40), newInfoHash: 'b'.repeat(40) });
});
