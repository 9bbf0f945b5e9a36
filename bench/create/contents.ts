// What is hashed: one file, a folder of many small files, and files of holes for measuring memory alone.
import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { seededBytes } from '../../interop/torrents/content.ts';

const MIB = 1024 * 1024;
const PART_BYTES = 16 * MIB;
const FILES_PER_FOLDER = 100;

export interface BenchContent {
  readonly name: string;
  readonly parent: string;
  readonly path: string;
  readonly isFolder: boolean;
  readonly totalBytes: number;
}

export function singleFile(parent: string, totalBytes: number): BenchContent {
  const path = join(parent, 'single.bin');
  const file = openSync(path, 'w');
  for (let offset = 0; offset < totalBytes; offset += PART_BYTES) {
    writeSync(file, seededBytes(`create ${offset}`, Math.min(PART_BYTES, totalBytes - offset)));
  }
  closeSync(file);
  return { name: 'single file', parent, path, isFolder: false, totalBytes };
}

/** Files of half to one and a half times the mean length. */
export function manyFiles(parent: string, fileCount: number, wantedBytes: number): BenchContent {
  const path = join(parent, 'many');
  const meanBytes = wantedBytes / fileCount;
  const bytes = seededBytes('create many', Math.ceil(2 * meanBytes) + fileCount);
  let totalBytes = 0;
  for (let i = 0; i < fileCount; i++) {
    const folder = join(path, `folder-${Math.floor(i / FILES_PER_FOLDER)}`);
    if (i % FILES_PER_FOLDER === 0) mkdirSync(folder, { recursive: true });
    const lengthBytes = Math.round(meanBytes * (0.5 + ((i * 7919) % fileCount) / fileCount));
    writeFileSync(join(folder, `file-${i}`), bytes.subarray(i, i + lengthBytes));
    totalBytes += lengthBytes;
  }
  return { name: `${fileCount} files`, parent, path, isFolder: true, totalBytes };
}

/** Takes no memory, whatever its length; reads as zeros. */
export function fileOfHoles(parent: string, totalBytes: number): BenchContent {
  const path = join(parent, 'holes.bin');
  const file = openSync(path, 'w');
  ftruncateSync(file, totalBytes);
  closeSync(file);
  return { name: 'holes', parent, path, isFolder: false, totalBytes };
}
