// What all of the disk's threads know of a torrent. Plain values and shared memory: sent to each thread once.
import type { StorageSpec } from '../../platform/disk.ts';
import { type FileTable, fileTableOf } from './file-table.ts';

/** We created the file, so that a second name of it is no one's trap. */
export const FLAG_CREATED = 1;
/** Its entry in its folder may not be on the medium yet. */
export const FLAG_ENTRY_DIRTY = 2;
/** Bytes of it may not be on the medium yet. */
export const FLAG_DIRTY = 4;
/** It was there when somebody last looked: only tells which way of opening it is likely to be the shorter one. */
export const FLAG_SEEN = 8;
/** Never changes. */
const FLAG_PAD = 16;
/** Changes while no job is under way. */
const FLAG_WANTED = 32;

export interface StoredTorrent {
  readonly rootPath: string;
  readonly partFileName: string;
  readonly files: FileTable;
  readonly pieceLengthBytes: number;
  /** One byte a file and one for the part file, shared by all threads, changed by atomic operations. */
  readonly flags: Uint8Array<SharedArrayBuffer>;
}

export function storedTorrentOf(spec: StorageSpec): StoredTorrent {
  const flags = new Uint8Array(new SharedArrayBuffer(spec.files.length + 1));
  spec.files.forEach(({ pad, wanted }, index) => {
    flags[index] = (pad ? FLAG_PAD : 0) | (wanted ? FLAG_WANTED : 0);
  });
  return {
    rootPath: spec.rootPath,
    partFileName: `.${spec.key.slice(0, 8)}.parts`,
    files: fileTableOf(spec.files),
    pieceLengthBytes: spec.pieceLengthBytes,
    flags,
  };
}

export function isPad({ flags }: StoredTorrent, fileIndex: number): boolean {
  return (Atomics.load(flags, fileIndex) & FLAG_PAD) !== 0;
}

export function isWanted({ flags }: StoredTorrent, fileIndex: number): boolean {
  return (Atomics.load(flags, fileIndex) & FLAG_WANTED) !== 0;
}

/** Only while no job is under way. */
export function setWanted({ flags }: StoredTorrent, wanted: readonly boolean[]): void {
  wanted.forEach((value, index) => {
    if (value) Atomics.or(flags, index, FLAG_WANTED);
    else Atomics.and(flags, index, ~FLAG_WANTED);
  });
}
