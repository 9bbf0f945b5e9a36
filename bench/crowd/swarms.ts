// Which swarms each case of the benchmark compares: who seeds, who leeches, how fast each uplink is. Starts nothing.
import { clients } from '../../interop/clients/all.ts';
import type { Client, Program, StartOptions } from '../../interop/clients/client.ts';
import { type Contender, contenderOf } from '../swarm/contender.ts';
import type { CaseName, CrowdOptions } from './options.ts';

const EIGHT_MBIT = 40;
const TWENTY_MBIT = 15;
/** Of smoke runs: so that one takes about a second. */
const SMOKE_MBIT = 100;
const SMOKE_LEECHERS = 3;

export interface Member {
  /** Members of one name stand together in tables. */
  readonly name: string;
  readonly contender: Contender;
  /** It gives nothing, and nobody waits for it. */
  readonly isGreedy?: boolean;
}

export interface Swarm {
  readonly caseName: CaseName;
  /** As it stands in tables. */
  readonly name: string;
  readonly mbit: number;
  readonly seed: Contender;
  readonly members: readonly Member[];
  /** Without it the benchmark has failed. */
  readonly isRequired: boolean;
}

type Extras = Pick<StartOptions, 'build' | 'moreArguments' | 'givesNothing'>;

function contender(program: Program, extras: Extras = {}, name?: string): Contender {
  const client: Client = clients[program];
  const plain = contenderOf(client);
  return {
    ...plain,
    name: name ?? plain.name,
    start: (options) => client.start({ ...options, ...extras }),
  };
}

function times(count: number, member: Member): Member[] {
  return Array.from({ length: count }, () => member);
}

/** This build of Millrace and the others that were named. */
function builds({ otherBuilds }: CrowdOptions): { readonly name: string; readonly extras: Extras }[] {
  const others = otherBuilds.map(({ label, folder }) => ({ name: `Millrace ${label}`, extras: { build: folder } }));
  return [{ name: 'Millrace', extras: {} }, ...others];
}

/** Swarms of one program each, its seed included. */
function uniform(caseName: CaseName, options: CrowdOptions, leecherCount: number, mbit: number): Swarm[] {
  const own = builds(options).map(({ name, extras }) => ({ program: contender('millrace', extras, name), own: true }));
  const rows = options.programs.flatMap((program) =>
    program === 'millrace' ? own : [{ program: contender(program), own: false }],
  );
  const count = options.leecherCount ?? leecherCount;
  return rows.map(({ program, own: isRequired }) => ({
    caseName,
    name: program.name,
    mbit: options.mbit ?? mbit,
    seed: program,
    members: times(count, { name: program.name, contender: program }),
    isRequired,
  }));
}

function mixed(options: CrowdOptions): Swarm[] {
  return builds(options).flatMap(({ name, extras }) => {
    const own = contender('millrace', extras, name);
    const rival = (program: Program, count: number): Member[] => {
      const other = contender(program);
      return times(options.isSmoke ? Math.min(count, 1) : count, { name: other.name, contender: other });
    };
    const members = [
      ...times(options.isSmoke ? 1 : 3, { name, contender: own }),
      ...rival('libtorrent', 2),
      ...rival('aria2', 2),
      ...(options.isSmoke ? [] : rival('transmission', 1)),
    ];
    const swarm = (seed: Contender): Swarm => ({
      caseName: 'mixed',
      name: `${name}, seed ${seed.name}`,
      mbit: options.mbit ?? EIGHT_MBIT,
      seed,
      members,
      isRequired: true,
    });
    return [swarm(own), swarm(contender('libtorrent'))];
  });
}

function greedy(options: CrowdOptions): Swarm[] {
  const honestCount = options.isSmoke ? 3 : 10;
  const greedyCount = options.isSmoke ? 1 : 3;
  const taker = {
    name: 'greedy',
    contender: contender('libtorrent', { givesNothing: true }, 'greedy'),
    isGreedy: true,
  };
  return builds(options).flatMap(({ name, extras }) => {
    const own = contender('millrace', extras, name);
    const swarm = (takerCount: number): Swarm => ({
      caseName: 'greedy',
      name: `${name}, ${honestCount - takerCount} honest, ${takerCount} greedy`,
      mbit: options.mbit ?? EIGHT_MBIT,
      seed: own,
      members: [...times(honestCount - takerCount, { name, contender: own }), ...times(takerCount, taker)],
      isRequired: true,
    });
    return [swarm(0), swarm(greedyCount)];
  });
}

/** Millrace with its seed as it is, and with a seed that hides what it has (BEP 16). */
function superSeed(options: CrowdOptions): Swarm[] {
  const [plain] = uniform('superseed', { ...options, programs: ['millrace'], otherBuilds: [] }, 8, EIGHT_MBIT);
  const seed = contender('millrace', { moreArguments: ['--super-seed'] });
  return [plain!, { ...plain!, name: 'Millrace, super-seeding', seed }];
}

const SWARMS: Readonly<Record<CaseName, (options: CrowdOptions) => Swarm[]>> = {
  eight: (options) => uniform('eight', options, 8, EIGHT_MBIT),
  twenty: (options) => uniform('twenty', options, 20, TWENTY_MBIT),
  mixed,
  greedy,
  superseed: superSeed,
};

export function swarmsOf(caseName: CaseName, options: CrowdOptions): Swarm[] {
  const small = { leecherCount: SMOKE_LEECHERS, mbit: SMOKE_MBIT };
  return SWARMS[caseName](options.isSmoke ? { ...options, ...small } : options);
}

/** Each host sends at least so long: everybody needs the whole torrent, and the seed must have sent all of it once. */
export function boundSeconds({ mbit, members }: Swarm, totalBytes: number): number {
  const bytesPerSecond = mbit * 125_000;
  const giverCount = 1 + members.filter(({ isGreedy }) => !isGreedy).length;
  const neededCount = members.filter(({ isGreedy }) => !isGreedy).length;
  return Math.max(1, neededCount / giverCount) * (totalBytes / bytesPerSecond);
}
