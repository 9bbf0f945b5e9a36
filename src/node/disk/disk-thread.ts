// Does a disk's jobs, one after the other, on whatever thread it lives: a worker's or the only one. Blocks.
import { assert, assertNever } from '../../base/assert.ts';
import { concatBytes } from '../../base/bytes.ts';
import { diskErrorOf } from './disk-failure.ts';
import type { DiskAnswer, DiskJob } from './disk-job.ts';
import { FileHandles } from './file-handles.ts';
import { blockSha1s, PieceHasher } from './piece-hasher.ts';
import { FolderWalker } from './safe-folder.ts';
import { StorageFiles } from './storage-files.ts';
import type { StoredTorrent } from './stored-torrent.ts';
import type { OpenThings } from './torrent-handles.ts';
import { WriteLocks } from './write-locks.ts';

/** Read and hashed at once: stays in a core's own cache in between; a multiple of 16 KiB. */
const BUFFER_BYTES = 512 * 1024;
const NO_DATA = new Uint8Array(0);

export class DiskThread {
  readonly #open: OpenThings;
  // BOUNDED: the torrents of the session.
  readonly #storages = new Map<number, StorageFiles>();
  /** Receives pieces that are read back. */
  #buffer: Uint8Array | undefined;

  /** At most so many files are open at once. `locks`: of `createWriteLocks`, when other threads write as well. */
  constructor(openFilesMax: number, locks?: SharedArrayBuffer) {
    this.#open = {
      handles: new FileHandles(openFilesMax),
      folders: new FolderWalker(),
      locks: new WriteLocks(locks),
    };
  }

  openStorage(storageId: number, torrent: StoredTorrent): void {
    this.#storages.set(storageId, new StorageFiles(storageId, torrent, this.#open));
  }

  closeStorage(storageId: number): void {
    this.#storages.get(storageId)?.close();
    this.#storages.delete(storageId);
  }

  /** `data` is what a write writes. */
  run(job: DiskJob, data: Uint8Array = NO_DATA): DiskAnswer {
    const storage = this.#storages.get(job.storageId);
    assert(storage !== undefined, 'a job names an open storage');
    try {
      return this.#do(storage, job, data);
    } catch (error) {
      return { error: diskErrorOf(error, 'use', 'the disk') };
    }
  }

  /** Reads bytes of a piece; false when they are not all there. For the thread that has no other way to read. */
  read(storageId: number, pieceIndex: number, begin: number, target: Uint8Array): boolean {
    return this.#storages.get(storageId)!.read(pieceIndex, begin, target);
  }

  #do(storage: StorageFiles, job: DiskJob, data: Uint8Array): DiskAnswer {
    switch (job.type) {
      case 'writePiece': {
        const hasher = new PieceHasher(job.expected, storage.layout.bytesOfPiece(job.pieceIndex));
        hasher.update(data);
        if (!hasher.matches()) return { matched: false, blockSha1s: blockSha1s(data) };
        storage.write(job.pieceIndex, 0, data);
        return { matched: true };
      }
      case 'writePart':
        storage.write(job.pieceIndex, job.begin, data);
        return {};
      case 'hashPiece':
        return this.#hashPiece(storage, job);
      case 'openForReading':
        return storage.openForReading(job.fileIndex) ?? {};
      case 'stat':
        return { lengths: storage.stat() };
      case 'createEmptyFiles':
        storage.createEmptyFiles();
        return {};
      case 'adoptPartFile':
        storage.adoptPartFile();
        return {};
      case 'flush':
        storage.flush();
        return {};
      default:
        return assertNever(job);
    }
  }

  #hashPiece(storage: StorageFiles, job: DiskJob & { readonly type: 'hashPiece' }): DiskAnswer {
    const pieceBytes = storage.layout.bytesOfPiece(job.pieceIndex);
    const hasher = new PieceHasher(job.expected, pieceBytes);
    if (!this.#eachPart(storage, job.pieceIndex, pieceBytes, (part) => hasher.update(part))) return { matched: false };
    if (hasher.matches()) return { matched: true };
    const parts: Uint8Array[] = [];
    const isThere = this.#eachPart(storage, job.pieceIndex, pieceBytes, (part) => parts.push(blockSha1s(part)));
    return isThere ? { matched: false, blockSha1s: concatBytes(parts) } : { matched: false };
  }

  /** Reads the piece, a buffer at a time; false when it is not all there. */
  #eachPart(storage: StorageFiles, pieceIndex: number, pieceBytes: number, use: (part: Uint8Array) => void): boolean {
    this.#buffer ??= new Uint8Array(BUFFER_BYTES);
    for (let begin = 0; begin < pieceBytes; begin += BUFFER_BYTES) {
      const part = this.#buffer.subarray(0, Math.min(BUFFER_BYTES, pieceBytes - begin));
      if (!storage.read(pieceIndex, begin, part)) return false;
      use(part);
    }
    return true;
  }
}
