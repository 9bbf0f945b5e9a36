// How many bytes each operation allocates. A process of its own, started by micro.ts with a garbage collector that can be called
// and a young generation so large that nothing is collected while operations are counted: then what the heap has grown
// by is what they allocated. A collection that comes nevertheless can only make a figure smaller, so the largest of several counts.
//
// node --expose-gc --min-semi-space-size=128 --max-semi-space-size=128 allocations.js [GROUP...]; prints a JSON array.
import { groupsNamed } from './groups/all.ts';
import type { Operation } from './operation.ts';

export interface Allocation {
  readonly group: string;
  readonly name: string;
  /** On V8's heap, bytes an operation. */
  readonly heapBytes: number;
  /** The contents of larger ArrayBuffers and Buffers, which stand outside of it, bytes an operation. */
  readonly outsideBytes: number;
}

const WARM_UP_MS = 150;
const COUNT_MS = 40;
const COUNTS = 7;
/** One count allocates no more than this, far below the young generation. */
const BYTES_MAX = 16 * 1024 * 1024;

const collect = globalThis.gc;

interface Growth {
  readonly heapBytes: number;
  readonly outsideBytes: number;
}

function growthOf(operation: Operation, calls: number): Growth {
  collect?.();
  const before = process.memoryUsage();
  for (let i = 0; i < calls; i++) operation.run();
  const after = process.memoryUsage();
  return {
    heapBytes: after.heapUsed - before.heapUsed,
    outsideBytes: after.arrayBuffers - before.arrayBuffers,
  };
}

const NOTHING: Operation = { name: 'nothing', count: 1, run: () => undefined };

function measure(operation: Operation): Growth {
  // Until the optimising compiler has seen it; its own allocations are over then.
  const warmUntilMs = performance.now() + WARM_UP_MS;
  let callsSoFar = 0;
  while (performance.now() < warmUntilMs) {
    operation.run();
    callsSoFar++;
  }
  const callMs = WARM_UP_MS / callsSoFar;
  const one = growthOf(operation, 1);
  const byBytes = Math.floor(BYTES_MAX / Math.max(1, one.heapBytes + one.outsideBytes));
  const calls = Math.max(1, Math.min(byBytes, Math.ceil(COUNT_MS / callMs)));
  let heapBytes = 0;
  let outsideBytes = 0;
  for (let i = 0; i < COUNTS; i++) {
    const own = growthOf(NOTHING, calls);
    const growth = growthOf(operation, calls);
    heapBytes = Math.max(heapBytes, growth.heapBytes - own.heapBytes);
    outsideBytes = Math.max(outsideBytes, growth.outsideBytes - own.outsideBytes);
  }
  const operations = calls * operation.count;
  return { heapBytes: heapBytes / operations, outsideBytes: outsideBytes / operations };
}

if (collect === undefined) throw new Error('wants node --expose-gc');
const allocations: Allocation[] = [];
for (const group of groupsNamed(process.argv.slice(2))) {
  for (const operation of group.create()) {
    allocations.push({ group: group.name, name: operation.name, ...measure(operation) });
  }
}
process.stdout.write(JSON.stringify(allocations));
