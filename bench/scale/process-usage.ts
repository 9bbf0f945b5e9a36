// What a process uses while it waits, from the kernel's own account in /proc (Linux): memory, processor time, open files, and how
// often it was woken. A thread that sleeps and is woken has switched voluntarily once.
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessUsage {
  readonly residentBytes: number;
  readonly peakResidentBytes: number;
  /** Of all threads that live now, to the nanosecond: a tick of the ordinary account is too coarse for idleness. */
  readonly cpuSeconds: number;
  /** Of the main thread alone. */
  readonly mainThreadWakeUps: number;
  readonly allWakeUps: number;
  readonly openFiles: number;
}

function numberIn(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
}

interface ThreadUsage {
  readonly wakeUps: number;
  readonly cpuSeconds: number;
}

function usageOfThread(processId: number, threadId: string): ThreadUsage {
  const folder = `/proc/${processId}/task/${threadId}`;
  try {
    const wakeUps = numberIn(readFileSync(`${folder}/status`, 'utf8'), 'voluntary_ctxt_switches');
    const [nanoseconds] = readFileSync(`${folder}/schedstat`, 'utf8').split(' ');
    return { wakeUps, cpuSeconds: Number(nanoseconds) / 1e9 };
  } catch {
    return { wakeUps: 0, cpuSeconds: 0 }; // the thread has ended since it was listed
  }
}

export function usageOf(processId: number): ProcessUsage {
  const status = readFileSync(`/proc/${processId}/status`, 'utf8');
  const threads = readdirSync(`/proc/${processId}/task`).map((threadId) => usageOfThread(processId, threadId));
  return {
    residentBytes: numberIn(status, 'VmRSS') * 1024,
    peakResidentBytes: numberIn(status, 'VmHWM') * 1024,
    cpuSeconds: threads.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    mainThreadWakeUps: usageOfThread(processId, String(processId)).wakeUps,
    allWakeUps: threads.reduce((sum, { wakeUps }) => sum + wakeUps, 0),
    openFiles: readdirSync(`/proc/${processId}/fd`).length,
  };
}

/** What a stretch of waiting cost. */
export interface IdleCost {
  readonly seconds: number;
  /** Part of one core, in percent. */
  readonly cpuPercent: number;
  readonly mainThreadWakeUpsPerSecond: number;
  readonly allWakeUpsPerSecond: number;
}

export function idleCost(before: ProcessUsage, after: ProcessUsage, seconds: number): IdleCost {
  const perSecond = (count: number): number => Number((count / seconds).toFixed(2));
  return {
    seconds,
    cpuPercent: Number((((after.cpuSeconds - before.cpuSeconds) / seconds) * 100).toFixed(3)),
    mainThreadWakeUpsPerSecond: perSecond(after.mainThreadWakeUps - before.mainThreadWakeUps),
    allWakeUpsPerSecond: perSecond(after.allWakeUps - before.allWakeUps),
  };
}
