// What a process and its descendants have cost so far, from the kernel's own account in /proc (Linux). Threads are part of
// their process. Of children that have ended and were waited for, the time counts; their memory is gone and does not.
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100; // USER_HZ, the same on every Linux

export interface Cost {
  /** User and system time of all threads, of living descendants, and of ended children that were waited for. */
  readonly cpuSeconds: number;
  /** Most resident memory at any time, file mappings included (VmHWM); the sum over living descendants. */
  readonly peakResidentBytes: number;
  /** Resident memory that is no file mapping, now (RssAnon). */
  readonly anonymousBytes: number;
}

/** A child may end between the listing and the look at it. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It has ended; what it cost stands with its parent from then on.
    return undefined;
  }
}

function ownCost(processId: number): Cost | undefined {
  const stat = readIfThere(`/proc/${processId}/stat`);
  const status = readIfThere(`/proc/${processId}/status`);
  if (stat === undefined || status === undefined) return undefined;
  // The program's name, in parentheses, may hold anything: count fields from behind it (proc(5): utime, stime, cutime,
  // cstime are fields 14 to 17).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field]), 0);
  const kibibytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return {
    cpuSeconds: ticks / TICKS_PER_SECOND,
    peakResidentBytes: kibibytes('VmHWM') * 1024,
    anonymousBytes: kibibytes('RssAnon') * 1024,
  };
}

/** Each thread lists the children that it started. */
function childrenOf(processId: number): number[] {
  const lists = threadsOf(processId).map((thread) => readIfThere(`/proc/${processId}/task/${thread}/children`) ?? '');
  return lists.join(' ').split(' ').filter(Boolean).map(Number);
}

function threadsOf(processId: number): string[] {
  try {
    return readdirSync(`/proc/${processId}/task`);
  } catch {
    return []; // it has ended
  }
}

/** Zero for a process that is not there any more. */
export function costOf(processId: number): Cost {
  let { cpuSeconds, peakResidentBytes, anonymousBytes } = ownCost(processId) ?? {
    cpuSeconds: 0,
    peakResidentBytes: 0,
    anonymousBytes: 0,
  };
  for (const child of childrenOf(processId)) {
    const cost = costOf(child);
    cpuSeconds += cost.cpuSeconds;
    peakResidentBytes += cost.peakResidentBytes;
    anonymousBytes += cost.anonymousBytes;
  }
  return { cpuSeconds, peakResidentBytes, anonymousBytes };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
