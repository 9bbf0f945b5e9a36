// What single operations of the hot paths cost: nanoseconds, by tinybench in this process, and bytes allocated, counted by
// allocations.ts in another. Times are medians over many calls of an operation that is warm; a real program is colder.
//
// npm run bench:micro -- [--only wire,picker,...] [--ms 300] [--out FILE]
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Bench } from 'tinybench';
import { runCommand } from '../../interop/world/run-command.ts';
import { figure, markdownTable } from '../harness/markdown-table.ts';
import { writeReport } from '../harness/report.ts';
import type { Allocation } from './allocations.ts';
import { groupsNamed } from './groups/all.ts';
import type { Operation } from './operation.ts';

interface Row extends Allocation {
  readonly nanoseconds: number;
  /** Of the fastest call. */
  readonly nanosecondsMin: number;
  readonly samples: number;
}

const ALLOCATIONS_TIMEOUT_MS = 300_000;
const YOUNG_MIB = 128;

function time(operation: Operation, timeMs: number): Pick<Row, 'nanoseconds' | 'nanosecondsMin' | 'samples'> {
  const bench = new Bench({ time: timeMs, warmupTime: timeMs / 2, iterations: 10 });
  bench.add(operation.name, () => {
    operation.run();
  });
  const [task] = bench.runSync();
  const result = task?.result;
  if (result === undefined || !('latency' in result)) {
    throw new Error(
      `${operation.name} failed: ${result !== undefined && 'error' in result ? String(result.error) : ''}`,
    );
  }
  const { latency } = result;
  const perOperation = 1e6 / operation.count;
  return {
    nanoseconds: latency.p50 * perOperation,
    nanosecondsMin: latency.min * perOperation,
    samples: latency.samplesCount,
  };
}

async function allocationsOf(groups: readonly string[]): Promise<Allocation[]> {
  const flags = ['--expose-gc', `--min-semi-space-size=${YOUNG_MIB}`, `--max-semi-space-size=${YOUNG_MIB}`];
  const program = join(import.meta.dirname, 'allocations.js');
  const { stdout } = await runCommand(process.execPath, [...flags, program, ...groups], {
    timeoutMs: ALLOCATIONS_TIMEOUT_MS,
  });
  return JSON.parse(stdout) as Allocation[];
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    ms: { type: 'string', default: '300' },
    out: { type: 'string' },
  },
});
const timeMs = Number(values.ms);
if (!(timeMs > 0)) throw new Error('--ms wants a positive number');
const groups = groupsNamed(values.only === '' ? [] : values.only.split(','));
const allocations = await allocationsOf(groups.map((group) => group.name));
const rows: Row[] = [];
for (const group of groups) {
  for (const operation of group.create()) {
    const counted = allocations.find((other) => other.group === group.name && other.name === operation.name);
    if (counted === undefined) throw new Error(`${operation.name} was not counted`);
    rows.push({ ...counted, ...time(operation, timeMs) });
  }
}
const bytes = (value: number): string => figure(value, value > 0 && value < 10 ? 1 : 0);
console.log(
  markdownTable(
    ['Operation', 'ns', 'ns, fastest', 'Heap bytes', 'Bytes outside'],
    rows.map((row) => [
      `${row.group}: ${row.name}`,
      figure(row.nanoseconds, row.nanoseconds < 100 ? 1 : 0),
      figure(row.nanosecondsMin, row.nanosecondsMin < 100 ? 1 : 0),
      bytes(row.heapBytes),
      bytes(row.outsideBytes),
    ]),
  ),
);
if (values.out !== undefined) {
  console.log(await writeReport({ benchmark: 'micro', programs: [], out: values.out }, { timeMs, rows }));
}
