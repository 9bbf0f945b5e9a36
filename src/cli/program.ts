// The commands and options as commander knows them. Imports no command: each is loaded when it runs, so that `--help`
// stays fast.
import { Command, CommanderError, Option } from 'commander';
import type { CreateFlags } from './commands/create.ts';
import type { DoctorFlags } from './commands/doctor.ts';
import type { SeedFlags } from './commands/seed.ts';
import type { ShowFlags } from './commands/show.ts';
import type { VerifyFlags } from './commands/verify.ts';
import type { CliContext } from './context.ts';
import { addDht } from './dht-program.ts';
import { applyEnvironment } from './environment.ts';
import { EXIT, type ExitCode, failureOf } from './exit-code.ts';
import { writeFailure } from './output/failure-line.ts';
import { parsePeer, parsePort, parseUrl } from './parse/endpoint.ts';
import { parseSize } from './parse/size.ts';
import { addTransferOptions, collect, type TransferFlags } from './transfer-options.ts';

const CREATE_TRACKER_SCHEMES = ['http', 'https', 'udp', 'ws', 'wss'];
const WEB_SEED_SCHEMES = ['http', 'https'];
const EXIT_CODES_HELP = `
millrace download --help lists the options of a download. Every option can also be given by an environment variable:
--max-upload is MILLRACE_MAX_UPLOAD (a flag beats it).

Exit codes: 0 done, 1 unexpected error, 2 usage, 3 not a torrent or magnet link, 4 metadata not found in time,
5 timed out, 6 network, 7 interrupted, 8 verification failed, 9 disk full, 10 permission or path.`;

/** Parses the arguments (without node and script), runs the command and returns the exit code. Never throws. */
export async function run(args: readonly string[], version: string, context: CliContext): Promise<number> {
  let exitCode: ExitCode = EXIT.done;
  const program = createProgram(version, context, (code) => {
    exitCode = code;
  });
  if (args.length === 0) {
    context.stderr.write(program.helpInformation());
    return EXIT.usage;
  }
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has printed what it threw for: help and version exit with 0, everything else is usage.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const failure = failureOf(error);
    writeFailure(context.stderr, failure, args.includes('-vv') ? 2 : 0);
    return failure.exitCode;
  }
}

function createProgram(version: string, context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  const program = new Command('millrace')
    .description('BitTorrent on the command line: download, share, create, inspect and verify torrents.')
    .usage('<source>... | <command> [options]')
    .version(version, '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      outputError: (text, write) => {
        const sentence = text
          .replace(/^error: /, '')
          .replace(/[.\s]+$/, '')
          .replaceAll('\n', ' ');
        write(`millrace: ${sentence}; see millrace --help.\n`);
      },
    })
    .addHelpText('after', EXIT_CODES_HELP)
    .hook('preAction', (_program, command) => applyEnvironment(command, context.env));

  addTransferOptions(
    program
      .command('download', { isDefault: true })
      .description('fetch torrents (the default command)')
      .argument('<source...>', '.torrent file or its URL, magnet link, info-hash, or - for a .torrent on stdin'),
  ).action(async (sources: string[], flags: TransferFlags) => {
    const { download } = await import('./commands/download.ts');
    setExitCode(await download(sources, flags, context));
  });

  addTransferOptions(
    program
      .command('seed')
      .description('share a file or folder, or the data of a .torrent')
      .argument('<source...>', 'file or folder to share, or .torrent file')
      .option('--data <DIR>', 'where the data of the .torrent is')
      .option('--super-seed', 'send each piece as few times as possible, for the only seed of a new torrent'),
  )
    .addOption(formatOption())
    .option('--piece-length <BYTES>', 'of the torrent that is made: 256KiB, 1MiB', parsePieceLength)
    .action(async (sources: string[], flags: SeedFlags) => {
      const { seed } = await import('./commands/seed.ts');
      setExitCode(await seed(sources, flags, context));
    });

  addCreate(program, context, setExitCode);
  addInspection(program, context, setExitCode);
  addDht(program, context, setExitCode);
  addDoctor(program, context, setExitCode);
  return program;
}

function addDoctor(program: Command, context: CliContext, setExitCode: (code: ExitCode) => void): void {
  program
    .command('doctor')
    .description('test ports, router, DNS, trackers, DHT, disk and clock, and say what to do')
    .argument('[torrent]', '.torrent file or its URL, magnet link, or -: its trackers are asked')
    .option('-o, --output <DIR>', 'the folder to test (default: the current folder)')
    .option('--port <N>', 'listening port', parsePort)
    .option('--bind <ADDR>', 'address or interface name to listen on')
    .option(
      '--dht-bootstrap <HOST:PORT>',
      'begin with this node of the DHT instead of the usual ones (repeatable)',
      (value, previous: readonly string[] | undefined) => collect(parsePeer(value), previous),
    )
    .option('--offline', 'send nothing to anybody: ports and disk only')
    .option('--no-dht', 'leave the DHT out')
    .option('--no-trackers', 'leave the trackers out')
    .option('--no-port-mapping', 'leave the router out')
    .option('--json', 'print a JSON object for each test')
    .action(async (torrent: string | undefined, flags: DoctorFlags) => {
      const { doctor } = await import('./commands/doctor.ts');
      setExitCode(await doctor(torrent, flags, context));
    });
}

function addCreate(program: Command, context: CliContext, setExitCode: (code: ExitCode) => void): void {
  program
    .command('create')
    .description('make a .torrent file of a file or folder')
    .argument('<path>', 'file or folder')
    .option('-o, --output <FILE>', 'where to write it; - is stdout (default: NAME.torrent in the current folder)')
    .option(
      '--tracker <URL>',
      'add a tracker, a tier of its own (repeatable)',
      (value, previous: readonly string[] | undefined) => collect(parseUrl(value, CREATE_TRACKER_SCHEMES), previous),
    )
    .option('--web-seed <URL>', 'add a web seed (repeatable)', (value, previous: readonly string[] | undefined) =>
      collect(parseUrl(value, WEB_SEED_SCHEMES), previous),
    )
    .option('--piece-length <BYTES>', 'such as 262144, 256KiB or 1MiB (default: chosen by size)', parsePieceLength)
    .addOption(formatOption())
    .option('--private', 'peers from trackers only (BEP 27)')
    .option('--comment <TEXT>', 'a comment')
    .option('--source <TEXT>', 'a source tag, which changes the info-hash')
    .option('--no-date', 'leave out the creation date')
    .option('-f, --force', 'overwrite the .torrent file')
    .option('--json', 'print a JSON object instead of text')
    .option('-q, --quiet', 'print failures only')
    .action(async (path: string, flags: CreateFlags) => {
      const { create } = await import('./commands/create.ts');
      setExitCode(await create(path, flags, context));
    });
}

function addInspection(program: Command, context: CliContext, setExitCode: (code: ExitCode) => void): void {
  program
    .command('show')
    .description('say what a torrent or magnet link holds')
    .argument('<torrent>', '.torrent file or its URL, magnet link, info-hash, or -')
    .option('--json', 'print one JSON object')
    .option('--scrape', 'ask its trackers how many seeds and leechers there are')
    .action(async (torrent: string, flags: ShowFlags) => {
      const { show } = await import('./commands/show.ts');
      setExitCode(await show(torrent, flags, context));
    });
  program
    .command('verify')
    .description('hash the data of a torrent on disk; exit code 8 when something is damaged')
    .argument('<torrent>', '.torrent file or its URL, or -')
    .argument('<dir>', 'folder that holds the data')
    .option('--json', 'print one JSON object')
    .option('-q, --quiet', 'only the exit code')
    .action(async (torrent: string, folder: string, flags: VerifyFlags) => {
      const { verify } = await import('./commands/verify.ts');
      setExitCode(await verify(torrent, folder, flags, context));
    });
  program
    .command('magnet')
    .description('print the magnet link of a torrent')
    .argument('<torrent>', '.torrent file or its URL, or -')
    .action(async (torrent: string) => {
      const { magnet } = await import('./commands/magnet.ts');
      setExitCode(await magnet(torrent, context));
    });
}

function formatOption(): Option {
  return new Option('--format <FORMAT>', 'of the torrent that is made').choices(['v1', 'v2', 'hybrid']);
}

/** Piece lengths are powers of two: `1M` means 1 MiB here. */
function parsePieceLength(text: string): number {
  return parseSize(text, { binaryPrefixes: true });
}
