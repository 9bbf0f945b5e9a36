// The command line of the swarm benchmark.
import { parseArgs } from 'node:util';
import { clients } from '../../interop/clients/all.ts';
import type { Program } from '../../interop/clients/client.ts';
import type { TorrentFormat } from '../../interop/torrents/makers.ts';
import { knownNames, positive } from '../harness/option-values.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

export const SCENARIOS = ['bare', 'leech', 'leech-variants', 'seed', 'leechers', 'many-seeds'] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

export interface SwarmOptions {
  readonly scenarios: readonly ScenarioName[];
  readonly programs: readonly Program[];
  /** Who feeds the leechers of `leech`. */
  readonly seed: Program;
  readonly runCount: number;
  readonly totalBytes: number;
  readonly pieceLengthBytes: number;
  readonly fileCount: number;
  readonly format: TorrentFormat;
  /** Where all data lies. */
  readonly folder: string;
  /** What the page cache holds before a run, where the folder is on a disk. */
  readonly cache: 'warm' | 'cold';
  /** Who fetches from the seeds of `seed`. */
  readonly leecher: 'millrace' | 'sink';
  readonly out: string | undefined;
  readonly isSmoke: boolean;
}

export const USAGE = `npm run bench:swarm -- [options]

  --scenario LIST      ${SCENARIOS.join(', ')}, or all (default: all)
  --clients LIST       ${Object.keys(clients).join(', ')} (default: all of them)
  --seed PROGRAM       who feeds the leechers of "leech" (default: millrace)
  --leecher WHO        who fetches from the seeds of "seed": millrace, or sink, which verifies and writes nothing (default: millrace)
  --runs N             runs of each program, alternating (default: 5)
  --size-mib N         size of the torrent (default: 1024)
  --piece-length SIZE  16KiB, 1MiB (default: 1MiB)
  --files N            files in the torrent (default: 1)
  --protocol FORMAT    v1, v2 or hybrid (default: v1)
  --folder DIR         where all data lies (default: /dev/shm, in memory)
  --cache STATE        on a disk: warm or cold page cache before each run (default: warm)
  --out FILE           the JSON report (default: bench/results/swarm-SCENARIO-DATE-COMMIT.json)
  --smoke              every scenario with little data, one run; no report unless --out is given`;

const SMOKE_PROGRAMS = 'millrace,libtorrent,aria2';

export function parseOptions(): SwarmOptions | undefined {
  const { values } = parseArgs({
    options: {
      scenario: { type: 'string', default: 'all' },
      clients: { type: 'string' },
      seed: { type: 'string', default: 'millrace' },
      leecher: { type: 'string', default: 'millrace' },
      runs: { type: 'string' },
      'size-mib': { type: 'string' },
      'piece-length': { type: 'string', default: '1MiB' },
      files: { type: 'string', default: '1' },
      protocol: { type: 'string', default: 'v1' },
      folder: { type: 'string', default: '/dev/shm' },
      cache: { type: 'string', default: 'warm' },
      out: { type: 'string' },
      smoke: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const isSmoke = values.smoke;
  const programs = values.clients ?? (isSmoke ? SMOKE_PROGRAMS : Object.keys(clients).join(','));
  return {
    scenarios: values.scenario === 'all' ? SCENARIOS : listOf(values.scenario, SCENARIOS, '--scenario'),
    programs: listOf(programs, Object.keys(clients) as Program[], '--clients'),
    seed: listOf(values.seed, Object.keys(clients) as Program[], '--seed')[0]!,
    runCount: positive(values.runs ?? (isSmoke ? '1' : '5'), '--runs'),
    totalBytes: positive(values['size-mib'] ?? (isSmoke ? '32' : '1024'), '--size-mib') * MIB,
    pieceLengthBytes: parsePieceLength(values['piece-length']),
    fileCount: positive(values.files, '--files'),
    format: listOf(values.protocol, ['v1', 'v2', 'hybrid'] as const, '--protocol')[0]!,
    folder: values.folder,
    cache: listOf(values.cache, ['warm', 'cold'] as const, '--cache')[0]!,
    leecher: listOf(values.leecher, ['millrace', 'sink'] as const, '--leecher')[0]!,
    out: values.out,
    isSmoke,
  };
}

function listOf<T extends string>(text: string, known: readonly T[], option: string): readonly T[] {
  return knownNames(text.split(','), known, option);
}

export function parsePieceLength(text: string): number {
  const match = /^(\d+)(KiB|MiB|)$/.exec(text);
  if (match === null) throw new Error('--piece-length wants a size such as 16KiB or 1MiB');
  return Number(match[1]) * { KiB: KIB, MiB: MIB, '': 1 }[match[2] as 'KiB' | 'MiB' | ''];
}
