// Whether the output folder takes data: writes a small file, waits for the disk, removes it, and looks at the free space.
import { open, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { failureOf } from '../exit-code.ts';
import { formatBytes } from '../output/format.ts';
import type { Finding } from './finding.ts';

const SAMPLE_BYTES = 1_048_576;
const FREE_FEW_BYTES = 1_073_741_824;
const SLOW_MS = 2_000;

/** `neededBytes`: of the torrent, where one is named. */
export async function testDisk(folder: string, neededBytes: number, nowMs: () => number): Promise<Finding> {
  const path = await nearestFolder(resolve(folder));
  const sample = join(path, `.millrace-doctor-${process.pid}`);
  try {
    const startedMs = nowMs();
    const file = await open(sample, 'wx', 0o600);
    try {
      await file.writeFile(new Uint8Array(SAMPLE_BYTES));
      await file.sync();
    } finally {
      await file.close();
      await rm(sample, { force: true });
    }
    const durationMs = nowMs() - startedMs;
    const { bavail, bsize } = await statfs(path);
    return findingOf(path, bavail * bsize, neededBytes, durationMs);
  } catch (error) {
    const { message, exitCode } = failureOf(error);
    return { test: 'disk', state: 'fail', message: `${path} takes no data: ${message.replace(/\.$/, '')}`, exitCode };
  }
}

function findingOf(path: string, freeBytes: number, neededBytes: number, durationMs: number): Finding {
  const message = `${path}: 1 MiB written and synced in ${Math.round(durationMs)} ms, ${formatBytes(freeBytes)} free`;
  if (freeBytes < neededBytes) {
    const advice = `the torrent has ${formatBytes(neededBytes)}: free some space or choose another folder with -o`;
    return { test: 'disk', state: 'warn', message, advice };
  }
  if (freeBytes < FREE_FEW_BYTES) return { test: 'disk', state: 'warn', message, advice: 'free some space' };
  if (durationMs < SLOW_MS) return { test: 'disk', state: 'ok', message };
  return { test: 'disk', state: 'warn', message, advice: 'the disk is slow or busy: see what else writes there' };
}

/** Folders that are not there yet are made by a download. */
async function nearestFolder(path: string): Promise<string> {
  try {
    await stat(path);
    return path;
  } catch {
    const parent = dirname(path);
    return parent === path ? path : nearestFolder(parent);
  }
}
