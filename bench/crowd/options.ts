// The command line of the crowd benchmark.
import { parseArgs } from 'node:util';
import { clients } from '../../interop/clients/all.ts';
import type { Program } from '../../interop/clients/client.ts';
import { knownNames, positive } from '../harness/option-values.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

export const CASES = ['eight', 'twenty', 'mixed', 'greedy', 'superseed'] as const;
export type CaseName = (typeof CASES)[number];
const USUAL_CASES = 'eight,twenty,mixed,greedy';
/** "twenty" with three leechers is "eight" again. */
const SMOKE_CASES = 'eight,mixed,greedy';

/** Another build of Millrace, measured as a program of its own. */
export interface OtherBuild {
  readonly label: string;
  readonly folder: string;
}

export interface CrowdOptions {
  readonly cases: readonly CaseName[];
  readonly programs: readonly Program[];
  readonly otherBuilds: readonly OtherBuild[];
  readonly runCount: number;
  readonly totalBytes: number;
  readonly pieceLengthBytes: number;
  /** Instead of the case's own. */
  readonly mbit: number | undefined;
  readonly leecherCount: number | undefined;
  readonly burstKib: number;
  readonly queueMs: number;
  /** Times the bound: what is not complete by then has failed. */
  readonly patience: number;
  readonly folder: string;
  readonly out: string | undefined;
  readonly isSmoke: boolean;
}

export const USAGE = `npm run bench:crowd -- [options]

  --case LIST           ${CASES.join(', ')} (default: ${USUAL_CASES})
  --programs LIST       whose swarms "eight" and "twenty" are (default: millrace,aria2,libtorrent)
  --millrace LABEL=DIR  another build of Millrace beside this one (repeatable; DIR has dist/cli/main.js)
  --runs N              runs of each swarm, alternating (default: 5)
  --size-mib N          size of the torrent (default: 128)
  --piece-kib N         length of a piece (default: 256)
  --mbit N              uplink of each host, instead of the case's own
  --leechers N          leechers of "eight", "twenty" and "superseed", instead of the case's own
  --burst-kib N         what the token bucket of an uplink holds (default: 64)
  --queue-ms N          how long a packet waits before an uplink at most (default: 50)
  --patience N          gives up after so many times the bound (default: 6)
  --folder DIR          where all data lies (default: /dev/shm, in memory)
  --out FILE            the JSON report (default: bench/results/crowd-DATE-COMMIT.json)
  --smoke               little data, one run of small swarms; no report unless --out is given`;

export function parseOptions(): CrowdOptions | undefined {
  const { values } = parseArgs({
    options: {
      case: { type: 'string' },
      programs: { type: 'string', default: 'millrace,aria2,libtorrent' },
      millrace: { type: 'string', multiple: true, default: [] },
      runs: { type: 'string' },
      'size-mib': { type: 'string' },
      'piece-kib': { type: 'string', default: '256' },
      mbit: { type: 'string' },
      leechers: { type: 'string' },
      'burst-kib': { type: 'string', default: '64' },
      'queue-ms': { type: 'string', default: '50' },
      patience: { type: 'string', default: '6' },
      folder: { type: 'string', default: '/dev/shm' },
      out: { type: 'string' },
      smoke: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const isSmoke = values.smoke;
  return {
    cases: listOf(values.case ?? (isSmoke ? SMOKE_CASES : USUAL_CASES), CASES, '--case'),
    programs: listOf(values.programs, Object.keys(clients) as Program[], '--programs'),
    otherBuilds: values.millrace.map(parseBuild),
    runCount: positive(values.runs ?? (isSmoke ? '1' : '5'), '--runs'),
    totalBytes: positive(values['size-mib'] ?? (isSmoke ? '8' : '128'), '--size-mib') * MIB,
    pieceLengthBytes: positive(values['piece-kib'], '--piece-kib') * KIB,
    mbit: values.mbit === undefined ? undefined : positive(values.mbit, '--mbit'),
    leecherCount: values.leechers === undefined ? undefined : positive(values.leechers, '--leechers'),
    burstKib: positive(values['burst-kib'], '--burst-kib'),
    queueMs: positive(values['queue-ms'], '--queue-ms'),
    // Start-up, which is no part of the bound, is most of a smoke run.
    patience: isSmoke ? 60 : positive(values.patience, '--patience'),
    folder: values.folder,
    out: values.out,
    isSmoke,
  };
}

function parseBuild(text: string): OtherBuild {
  const [label = '', folder = ''] = text.split('=');
  if (label === '' || folder === '') throw new Error('--millrace wants LABEL=DIR');
  return { label, folder };
}

function listOf<T extends string>(text: string, known: readonly T[], option: string): readonly T[] {
  return knownNames(
    text.split(',').filter((name) => name !== ''),
    known,
    option,
  );
}
