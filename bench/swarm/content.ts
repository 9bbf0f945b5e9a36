// The data of a benchmark: pseudo-random bytes, one file or many of equal size, and the SHA-1 of each MiB for the bare loops.
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { seededBytes } from '../../interop/torrents/content.ts';
import { BARE_PIECE_BYTES } from './programs/bare-stream.ts';

const CHUNK_BYTES = 16 * 1024 * 1024;
const FILES_PER_FOLDER = 200;

export interface BenchContent {
  /** Folder that holds the file or folder of the torrent. */
  readonly parent: string;
  readonly path: string;
  readonly name: string;
  readonly totalBytes: number;
}

export function writeContent(parent: string, totalBytes: number, fileCount: number): BenchContent {
  const name = fileCount === 1 ? 'bench.bin' : 'bench';
  const path = join(parent, name);
  mkdirSync(parent, { recursive: true });
  if (fileCount === 1) writeLarge(path, totalBytes);
  else writeMany(path, totalBytes, fileCount);
  return { parent, path, name, totalBytes };
}

function writeLarge(path: string, totalBytes: number): void {
  const file = openSync(path, 'w');
  for (let offset = 0; offset < totalBytes; offset += CHUNK_BYTES) {
    writeSync(file, seededBytes(`bench ${offset}`, Math.min(CHUNK_BYTES, totalBytes - offset)));
  }
  closeSync(file);
}

function writeMany(folder: string, totalBytes: number, fileCount: number): void {
  const lengthBytes = Math.floor(totalBytes / fileCount);
  for (let index = 0; index < fileCount; index++) {
    const inner = `folder-${String(Math.floor(index / FILES_PER_FOLDER)).padStart(4, '0')}`;
    const path = join(folder, inner, `file-${String(index).padStart(6, '0')}.bin`);
    if (index % FILES_PER_FOLDER === 0) mkdirSync(dirname(path), { recursive: true });
    const length = index === fileCount - 1 ? totalBytes - index * lengthBytes : lengthBytes;
    writeFileSync(path, seededBytes(`bench file ${index}`, length));
  }
}

export interface BareFile {
  readonly path: string;
  readonly digestsPath: string;
}

/** What the bare loops move: one file of the same size, the torrent's own where it has just one, and its digests. */
export function prepareBareFile(content: BenchContent, fileCount: number, folder: string): BareFile {
  const path = fileCount === 1 ? content.path : join(folder, 'bare.bin');
  if (fileCount !== 1) writeLarge(path, content.totalBytes);
  const digests: Buffer[] = [];
  for (let offset = 0; offset < content.totalBytes; offset += CHUNK_BYTES) {
    const bytes = seededBytes(`bench ${offset}`, Math.min(CHUNK_BYTES, content.totalBytes - offset));
    for (let begin = 0; begin < bytes.length; begin += BARE_PIECE_BYTES) {
      digests.push(
        createHash('sha1')
          .update(bytes.subarray(begin, begin + BARE_PIECE_BYTES))
          .digest(),
      );
    }
  }
  const digestsPath = join(folder, 'bare.digests');
  writeFileSync(digestsPath, Buffer.concat(digests));
  return { path, digestsPath };
}
