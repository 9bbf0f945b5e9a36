// What a process has cost so far, from the kernel's own account of it in /proc (Linux).
import { readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100; // USER_HZ, the same on every Linux

export interface Cost {
  /** User and system time of all threads. */
  readonly cpuSeconds: number;
  /** Most resident memory at any time, file mappings included (VmHWM). */
  readonly peakResidentBytes: number;
  /** Resident memory that is no file mapping, now (RssAnon). */
  readonly anonymousBytes: number;
}

export function costOf(processId: number): Cost {
  const stat = readFileSync(`/proc/${processId}/stat`, 'utf8');
  // The program's name, in parentheses, may hold anything: count fields from behind it (proc(5): utime is 14, stime 15).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = readFileSync(`/proc/${processId}/status`, 'utf8');
  const kibibytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    peakResidentBytes: kibibytes('VmHWM') * 1024,
    anonymousBytes: kibibytes('RssAnon') * 1024,
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
