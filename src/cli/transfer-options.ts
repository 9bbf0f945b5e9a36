// The options that `download` and `seed` share: their declaration, and the settings they come to.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { usageFailure } from './exit-code.ts';
import { parseDuration } from './parse/duration.ts';
import { parsePeer, parsePort, parseUrl } from './parse/endpoint.ts';
import { type FileList, parseFileList } from './parse/file-list.ts';
import { parseRate } from './parse/size.ts';

const TRACKER_SCHEMES = ['http', 'https', 'udp'];

/** As commander hands them over. */
export interface TransferFlags {
  readonly output?: string;
  readonly port?: number;
  readonly bind?: string;
  readonly peer?: readonly string[];
  readonly tracker?: readonly string[];
  readonly tcp: boolean;
  readonly trackers: boolean;
  readonly dht: boolean;
  readonly dhtBootstrap?: readonly string[];
  readonly pex: boolean;
  readonly lsd: boolean;
  readonly portMapping: boolean;
  readonly encryption?: 'off' | 'prefer' | 'require';
  readonly maxDownload?: number;
  readonly maxUpload?: number;
  readonly limitLocal: boolean;
  readonly files?: FileList;
  readonly match?: readonly string[];
  readonly sequential?: boolean;
  readonly seed?: boolean;
  readonly seedRatio?: number;
  readonly seedTime?: number;
  readonly timeout?: number;
  readonly verify?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: number;
}

export function collect(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}

export function addTransferOptions(command: Command): Command {
  return command
    .option('-o, --output <DIR>', 'where the data goes (default: the current folder)')
    .option('--port <N>', 'listening port (0 = any)', parsePort)
    .option('--bind <ADDR>', 'address or interface name to listen and connect with')
    .option(
      '--peer <HOST:PORT>',
      'connect to this peer (repeatable)',
      (value, previous: readonly string[] | undefined) => collect(parsePeer(value), previous),
    )
    .option('--tracker <URL>', 'add a tracker (repeatable)', (value, previous: readonly string[] | undefined) =>
      collect(parseUrl(value, TRACKER_SCHEMES), previous),
    )
    .option('--no-tcp', 'neither listen nor connect over TCP')
    .option('--no-trackers', 'announce to no tracker')
    .option('--no-dht', 'neither look for peers in the DHT nor answer others there')
    .option(
      '--dht-bootstrap <HOST:PORT>',
      'begin with this node of the DHT instead of the usual ones (repeatable)',
      (value, previous: readonly string[] | undefined) => collect(parsePeer(value), previous),
    )
    .option('--no-lsd', 'neither announce nor look for torrents on the local network')
    .option('--no-pex', 'tell peers of no other peers, and ask none of them')
    .option('--no-utp', 'accepted; this version has no uTP')
    .option('--no-port-mapping', 'do not ask the router to let peers in')
    .addOption(
      new Option('--encryption <MODE>', 'encrypted connections; "require" is not supported yet').choices([
        'off',
        'prefer',
        'require',
      ]),
    )
    .option('--max-download <RATE>', 'bytes per second: 5M, 500k, 5MiB/s (0 = no limit)', parseRate)
    .option('--max-upload <RATE>', 'bytes per second (0 = no limit)', parseRate)
    .option('--no-limit-local', 'the limits do not hold for peers on this machine and its local network')
    .option('--files <LIST>', 'only these files: 1,3-5, as "show" numbers them', parseFileList)
    .option('--match <GLOB>', 'only the files that match (repeatable)', collect)
    .option('--sequential', 'fetch pieces in order')
    .option('--seed', 'go on seeding when complete')
    .option('--seed-ratio <R>', 'seed until uploaded/downloaded reaches this', parseRatio)
    .option('--seed-time <DURATION>', 'seed for this long: 90s, 2h30m, 1d', parseDuration)
    .option('--timeout <DURATION>', 'give up when unfinished by then', parseDuration)
    .option('--verify', 'hash what is on disk before starting')
    .option('--no-verify', 'trust what is on disk')
    .option('--json', 'one JSON object a line on stdout')
    .option('-q, --quiet', 'print failures only')
    .option('-v, --verbose', 'say more (-vv: still more, and stack traces)', countUp);
}

/** Refuses what this version cannot do, and what contradicts itself. */
export function checkTransferFlags(flags: TransferFlags): void {
  if (flags.encryption === 'require') {
    throw usageFailure('Encrypted connections are not supported yet; leave --encryption out, or use prefer or off.');
  }
}

/** Whether to go on seeding after completion. A goal implies it. */
export function keepsSeeding(flags: TransferFlags): boolean {
  return flags.seed === true || flags.seedRatio !== undefined || flags.seedTime !== undefined;
}

export function countUp(value: string | undefined, previous: number | undefined): number {
  // From the environment a number comes; each -v on the command line has none.
  return value === undefined ? (previous ?? 0) + 1 : Number(value) || 1;
}

function parseRatio(text: string): number {
  const ratio = /^(\d+(\.\d+)?|\.\d+)$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (Number.isNaN(ratio)) throw new InvalidArgumentError('A ratio is a number such as 1 or 1.5.');
  return ratio;
}
