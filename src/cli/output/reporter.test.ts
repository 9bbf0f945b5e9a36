import { expect, test } from 'vitest';
import { diagnosisWith, memoryContext, statsWith, torrentWith } from '../testing/fakes.ts';
import { createReporter } from './create-reporter.ts';

const HOSTILE_NAME = 'evil\u001b]0;owned\u0007\u001b[2J\u009bname\nsecond';

const torrent = torrentWith({
  infoHash: '0123456789abcdef0123456789abcdef01234567',
  totalBytes: 123,
  stats: () =>
    statsWith({
      haveBytes: 524_288,
      downloadedBytes: 1,
      uploadedBytes: 0,
      havePieceCount: 17,
      pieceCount: 40,
      downloadBytesPerSecond: 1.5,
      uploadBytesPerSecond: 0,
      peerCount: 3,
      seedCount: 1,
      etaSeconds: 12,
    }),
});

test('JSON lines have the names that scripts rely on', () => {
  const context = memoryContext();
  const reporter = createReporter(context, { json: true, quiet: false, verbosity: 0 });
  reporter.added(torrent);
  reporter.listening('0.0.0.0', 6881);
  reporter.progress([torrent]);
  reporter.failure({ code: 'DISK_FULL', exitCode: 9, message: 'Full; free some space.', stack: undefined });
  reporter.complete(torrent, 12.34567);
  const progress = {
    event: 'progress',
    infoHash: '0123456789abcdef0123456789abcdef01234567',
    downloaded: 1,
    uploaded: 0,
    have: 17,
    pieces: 40,
    downRate: 1.5,
    upRate: 0,
    peers: 3,
    seeds: 1,
    sources: { tracker: 0, magnet: 0, user: 0, incoming: 0, pex: 0, dht: 0, lsd: 0 },
    etaSeconds: 12,
    diagnosis: diagnosisWith({}),
  };
  expect(context.stdout.lines.map((line) => JSON.parse(line))).toEqual([
    { event: 'added', infoHash: progress.infoHash, infoHashV2: null, name: 'name', totalSize: 123 },
    { event: 'listening', address: '0.0.0.0', port: 6881 },
    progress,
    { event: 'error', code: 'DISK_FULL', message: 'Full; free some space.' },
    progress,
    { event: 'complete', infoHash: progress.infoHash, seconds: 12.346 },
  ]);
  expect(context.stderr.text).toBe('millrace: Full; free some space.\n');
});

test('a v2-only torrent is told apart by its v2 info-hash', () => {
  const context = memoryContext();
  const reporter = createReporter(context, { json: true, quiet: false, verbosity: 0 });
  const v2 = torrentWith({ infoHash: undefined, infoHashV2: 'b'.repeat(64) });
  reporter.added(v2);
  reporter.complete(v2, 1);
  const [added, , complete] = context.stdout.lines.map((line) => JSON.parse(line));
  expect(added).toMatchObject({ infoHash: null, infoHashV2: 'b'.repeat(64) });
  expect(complete).toMatchObject({ infoHash: 'b'.repeat(64) });
});

test('plain lines say where the torrent stands', () => {
  const context = memoryContext();
  const reporter = createReporter(context, { json: false, quiet: false, verbosity: 0 });
  expect(reporter.intervalMs).toBe(5_000);
  reporter.progress([torrent]);
  reporter.complete(torrent, 2);
  expect(context.stdout.lines).toEqual([
    'name: 50.0 % of 1.0 MiB, down 2 B/s, up 0 B/s, 3 peers (1 seed), 12s left',
    'name: complete, 1.0 MiB in 2s (1 B/s)',
  ]);
});

// Goal: what holds a torrent up is said once in plain lines, and stands under it on a terminal as long as it is true.
test('a torrent that waits or is limited says why', () => {
  const context = memoryContext();
  const plain = createReporter(context, { json: false, quiet: false, verbosity: 0 });
  let diagnosis = diagnosisWith({});
  const slow = torrentWith({ stats: () => statsWith({}), diagnosis: () => diagnosis });
  const reasons = (): string[] => context.stdout.lines.filter((line) => !line.includes('% of'));
  plain.progress([slow]);
  expect(reasons()).toEqual([]);
  diagnosis = diagnosisWith({ code: 'choked-by-all', effect: 'waiting', message: 'All 4 peers choke us.' });
  plain.progress([slow]);
  plain.progress([slow]);
  expect(reasons()).toEqual(['name: waiting: all 4 peers choke us']);
  diagnosis = diagnosisWith({ code: 'no-peers', effect: 'waiting', message: 'No peer; failed (\u001b[2Jx).' });
  plain.progress([slow]);
  expect(reasons().at(-1)).toBe('name: waiting: no peer; failed (x)');
  diagnosis = diagnosisWith({ code: 'checking', effect: 'waiting', message: 'It is being checked.' });
  plain.progress([slow]);
  diagnosis = diagnosisWith({ code: 'downloading' });
  plain.progress([slow]);
  expect(reasons()).toHaveLength(2);

  const terminal = memoryContext({ isTTY: true });
  const live = createReporter(terminal, { json: false, quiet: false, verbosity: 0 });
  live.progress([slow]);
  expect(terminal.stdout.text).not.toContain('limited');
  diagnosis = diagnosisWith({ code: 'disk-writes', effect: 'limited', message: 'The disk is slow.' });
  live.progress([slow]);
  expect(terminal.stdout.text).toContain('  limited: the disk is slow\u001b[K\n');
});

test.each([
  [{ state: 'fetching-metadata', peerCount: 1 }, 'name: fetching metadata, 1 peer'],
  [{ state: 'checking', checkedPieceCount: 10 }, 'name: checking 25.0 % of 1.0 MiB'],
  [{ state: 'downloading' }, 'name: 0.0 % of 1.0 MiB, down 0 B/s, up 0 B/s, 0 peers, waiting'],
  [
    { state: 'seeding', haveBytes: 1_048_576, uploadedBytes: 2_097_152, ratio: 2 },
    'name: seeding 1.0 MiB, up 0 B/s, 2.0 MiB sent, ratio 2.00, 0 peers',
  ],
  [{ state: 'failed' }, 'name: failed'],
] as const)('state %o', (stats, line) => {
  const context = memoryContext();
  createReporter(context, { json: false, quiet: false, verbosity: 0 }).progress([
    torrentWith({ stats: () => statsWith(stats) }),
  ]);
  expect(context.stdout.lines).toEqual([line]);
});

test('quiet prints failures and the magnet link of what is shared, nothing else', () => {
  const context = memoryContext({ isTTY: true });
  const reporter = createReporter(context, { json: false, quiet: true, verbosity: 0 });
  reporter.added(torrent);
  reporter.progress([torrent]);
  reporter.note('something');
  reporter.complete(torrent, 2);
  expect(context.stdout.text + context.stderr.text).toBe('');
  reporter.magnet(torrent);
  reporter.failure({ code: 'X', exitCode: 1, message: 'It failed.', stack: 'Error: It failed.\n    at x' });
  expect(context.stdout.text).toBe('magnet:?xt=urn:btih:aa\n');
  expect(context.stderr.text).toBe('millrace: It failed.\n');
});

test('a stack trace is for those who asked twice', () => {
  const context = memoryContext();
  const failure = { code: 'X', exitCode: 1, message: 'It failed.', stack: 'Error: It failed.\n    at x' } as const;
  createReporter(context, { json: false, quiet: false, verbosity: 1 }).failure(failure);
  expect(context.stderr.lines).toHaveLength(1);
  createReporter(context, { json: false, quiet: false, verbosity: 2 }).failure(failure);
  expect(context.stderr.lines).toHaveLength(4);
});

test('a terminal gets two lines a torrent, redrawn in place, and lasting lines above them', () => {
  const context = memoryContext({ isTTY: true });
  const reporter = createReporter(context, { json: false, quiet: false, verbosity: 0 });
  reporter.progress([torrent]);
  const first = context.stdout.text;
  expect(first).toContain('name');
  // 60 columns: the words leave no more than the shortest bar.
  expect(first).toContain('  [####----]  50.0 % of 1.0 MiB  down 2 B/s  up 0 B/s  3 p…');
  expect(first).not.toContain('\u001b[2A');
  reporter.progress([torrent]);
  expect(context.stdout.text.slice(first.length)).toContain('\r\u001b[2A');
  const before = context.stdout.text.length;
  reporter.complete(torrent, 3);
  expect(context.stdout.text.slice(before)).toContain('\r\u001b[2A\u001b[Jname: complete, 1.0 MiB in 3s (0 B/s)\n');
  reporter.close();
  reporter.close();
  expect(context.stdout.text.endsWith('\r\u001b[2A\u001b[J')).toBe(true);
});

test('many torrents do not outgrow the terminal', () => {
  const context = memoryContext({ isTTY: true });
  const reporter = createReporter(context, { json: false, quiet: false, verbosity: 0 });
  reporter.progress(Array.from({ length: 30 }, () => torrent));
  expect(context.stdout.lines.length).toBeLessThanOrEqual(context.stdout.rows - 2);
});

test.each([false, true])('a hostile name reaches no terminal (terminal: %s)', (isTTY) => {
  const context = memoryContext({ isTTY });
  const reporter = createReporter(context, { json: false, quiet: false, verbosity: 0 });
  const hostile = torrentWith({ name: HOSTILE_NAME, stats: () => statsWith({}) });
  reporter.added(hostile);
  reporter.progress([hostile]);
  reporter.complete(hostile, 1);
  expect(context.stdout.text).not.toContain('owned');
  expect(context.stdout.text).not.toContain('\u001b[2J');
  expect(context.stdout.text).not.toContain('\u009b');
});
