import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { CliContext } from './context.ts';
import { run } from './program.ts';
import { memoryContext } from './testing/fakes.ts';

async function runWith(args: readonly string[], overrides: Partial<CliContext> = {}) {
  const context = memoryContext(overrides);
  const exitCode = await run(args, '1.2.3', context);
  return { exitCode, stdout: context.stdout.text, stderr: context.stderr.text, stderrLines: context.stderr.lines };
}

test('help and version go to stdout with 0; no arguments at all are a usage error', async () => {
  const help = await runWith(['--help']);
  expect(help.exitCode).toBe(0);
  for (const word of ['download', 'seed', 'create', 'show', 'verify', 'magnet', 'dht', 'doctor'])
    expect(help.stdout).toContain(word);
  expect(await runWith(['--version'])).toMatchObject({ exitCode: 0, stdout: '1.2.3\n' });
  expect(await runWith([])).toMatchObject({ exitCode: 2, stdout: '' });
});

test('download --help names every option of the contract', async () => {
  const { stdout } = await runWith(['download', '--help']);
  const options =
    '--output --port --bind --peer --tracker --no-dht --no-lsd --no-pex --no-utp --no-tcp --no-trackers ' +
    '--no-port-mapping --encryption --max-download --max-upload --files --match --sequential --seed --seed-ratio ' +
    '--seed-time --timeout --verify --no-verify --json --quiet';
  for (const option of options.split(' ')) expect(stdout).toContain(`${option} `);
});

test.each([
  [['--frobnicate', 'x']],
  [['show']],
  [['show', 'a', 'b']],
  [['--port', '70000', 'x']],
  [['--peer', 'nowhere', 'x']],
  [['--max-download', 'fast', 'x']],
  [['--encryption', 'sometimes', 'x']],
  [['create', 'x', '--format', 'v3']],
  [['create', 'x', '--tracker', 'file:///x']],
  [['seed', 'x', '--files', '1']],
])('%j is a usage error of one line on stderr', async (args) => {
  const { exitCode, stdout, stderrLines } = await runWith(args);
  expect(exitCode).toBe(2);
  expect(stdout).toBe('');
  expect(stderrLines).toHaveLength(1);
  expect(stderrLines[0]).toMatch(/^millrace: .*\.$/);
});

test('required encryption is refused, not silently left out', async () => {
  const { exitCode, stderr } = await runWith(['x.torrent', '--encryption', 'require']);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('not supported yet');
});

test('the environment sets options, a flag beats it, nonsense is a usage error', async () => {
  // Refused before any source is read, so the message tells which value was used.
  const fromEnvironment = await runWith(['x.torrent'], { env: { MILLRACE_ENCRYPTION: 'require' } });
  expect(fromEnvironment.exitCode).toBe(2);
  const flagWins = await runWith(['/nonexistent', '--encryption', 'off'], { env: { MILLRACE_ENCRYPTION: 'require' } });
  expect(flagWins.exitCode).toBe(10);
  for (const env of [{ MILLRACE_PORT: 'x' }, { MILLRACE_JSON: 'maybe' }, { MILLRACE_PEER: '192.0.2.7:1 x' }]) {
    const { exitCode, stderrLines } = await runWith(['x.torrent'], { env });
    expect(exitCode).toBe(2);
    expect(stderrLines[0]).toContain(Object.keys(env)[0]);
  }
  const json = await runWith(['/nonexistent'], {
    env: { MILLRACE_JSON: 'true', MILLRACE_NO_DHT: '1', MILLRACE_QUIET: '' },
  });
  expect(JSON.parse(json.stdout)).toMatchObject({ event: 'error', code: 'SOURCE_UNREADABLE' });
  expect((await runWith(['/nonexistent'], { env: { MILLRACE_JSON: '0' } })).stdout).toBe('');
});

test('a missing source says what to try, and options may stand before it', async () => {
  const { exitCode, stderr } = await runWith(['--sequential', '-v', '/nonexistent.torrent']);
  expect(exitCode).toBe(10);
  expect(stderr).toBe(
    'millrace: There is no file /nonexistent.torrent; name a .torrent file, its URL, a magnet link or an info-hash (millrace --help lists the commands).\n',
  );
});

test('a file and standard input that are larger than any torrent are refused at the bound', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-cli-'));
  try {
    const path = join(folder, 'large.torrent');
    await writeFile(path, new Uint8Array(16 * 1024 * 1024 + 1));
    expect(await runWith(['show', path])).toMatchObject({ exitCode: 3 });
  } finally {
    await rm(folder, { recursive: true });
  }
  let yielded = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      yielded++;
      yield new Uint8Array(1024 * 1024);
    }
  }
  expect(await runWith(['show', '-'], { stdin: endless() })).toMatchObject({ exitCode: 3 });
  expect(yielded).toBe(17);
});
