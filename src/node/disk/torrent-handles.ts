// The files of one torrent by their index, for one thread: opening them when they are needed, reading and writing them
// whole, making them durable. The part file counts as the file after the last. All calls block and throw `DiskFailure`.
// Several threads may each have one of these for a torrent: what they must agree on stands in `StoredTorrent.flags`.
import { fdatasyncSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { StorageFile, StorageSpec } from '../../platform/disk.ts';
import { DiskFailure, errnoOf, failureOf } from './disk-failure.ts';
import type { FileHandle, FileHandles } from './file-handles.ts';
import { type Folder, type FolderWalker, type OpenMode, openFile } from './safe-folder.ts';
import type { WriteLocks } from './write-locks.ts';

/** We created the file, so that a second name of it is no one's trap. */
const FLAG_CREATED = 1;
/** Its entry in its folder may not be on the medium yet. */
const FLAG_ENTRY_DIRTY = 2;
/** Bytes of it may not be on the medium yet. */
const FLAG_DIRTY = 4;

/** What all threads know of a torrent. */
export interface StoredTorrent {
  readonly rootPath: string;
  readonly partFileName: string;
  readonly files: readonly StorageFile[];
  readonly pieceLengthBytes: number;
  /** One byte a file and one for the part file, shared by all threads, changed by atomic operations. */
  readonly flags: Uint8Array<SharedArrayBuffer>;
}

export function storedTorrentOf(spec: StorageSpec): StoredTorrent {
  return {
    rootPath: spec.rootPath,
    partFileName: `.${spec.key.slice(0, 8)}.parts`,
    files: spec.files,
    pieceLengthBytes: spec.pieceLengthBytes,
    flags: new Uint8Array(new SharedArrayBuffer(spec.files.length + 1)),
  };
}

/** What a thread has open, over all torrents. */
export interface OpenThings {
  readonly handles: FileHandles;
  readonly folders: FolderWalker;
  readonly locks: WriteLocks;
}

export class TorrentHandles {
  readonly #id: number;
  readonly #torrent: StoredTorrent;
  readonly #open: OpenThings;

  constructor(id: number, torrent: StoredTorrent, open: OpenThings) {
    this.#id = id;
    this.#torrent = torrent;
    this.#open = open;
  }

  get partFileIndex(): number {
    return this.#torrent.files.length;
  }

  nameOf(fileIndex: number): string {
    const path = this.#pathOf(fileIndex);
    return path[path.length - 1]!;
  }

  fullPath(fileIndex: number): string {
    return join(this.#torrent.rootPath, ...this.#pathOf(fileIndex));
  }

  /** Makes sure that there is a save root, so that one that cannot be is known before anything is fetched. */
  createRoot(): void {
    this.#open.folders.enter(this.#torrent.rootPath, [], true);
  }

  /** The file's folder; undefined when it is missing and not to be created. */
  folderOf(fileIndex: number, create: boolean): Folder | undefined {
    return this.#open.folders.enter(this.#torrent.rootPath, this.#pathOf(fileIndex).slice(0, -1), create);
  }

  /** The file, open until others need the room; undefined when it is missing and not to be created. */
  open(fileIndex: number, mode: OpenMode): FileHandle | undefined {
    const isWritable = mode !== 'read';
    const held = this.#open.handles.get(this.#id, fileIndex, isWritable);
    if (held !== undefined) return held;
    const fd = this.openFor(fileIndex, mode);
    return fd === undefined ? undefined : this.#open.handles.add(this.#id, fileIndex, fd, isWritable);
  }

  /** Opens the file for a caller who will close it. */
  openFor(fileIndex: number, mode: OpenMode): number | undefined {
    try {
      return this.#openOnce(fileIndex, mode);
    } catch (error) {
      const { code } = failureOf(error, 'open', this.fullPath(fileIndex));
      // Too many files are open: ours are the first to go. The folder vanished: it is looked up, or created, anew.
      if (code === 'DISK_TOO_MANY_FILES') this.#open.handles.closeAbove(0);
      else if (code !== 'DISK_NOT_FOUND') throw error;
      this.#open.folders.leave();
    }
    return this.#openOnce(fileIndex, mode);
  }

  writeAt(handle: FileHandle, fileIndex: number, data: Uint8Array, fileOffset: number): void {
    this.#setFlags(fileIndex, FLAG_DIRTY);
    try {
      this.#open.locks.hold(this.#id, fileIndex, () => writeWhole(handle.fd, data, fileOffset));
    } catch (error) {
      throw failureOf(error, 'write', this.fullPath(fileIndex));
    }
  }

  /** Bytes read: fewer than the target holds only when the file ends. */
  readAt(handle: FileHandle, fileIndex: number, target: Uint8Array, fileOffset: number): number {
    let done = 0;
    try {
      while (done < target.length) {
        const count = readSync(handle.fd, target, done, target.length - done, fileOffset + done);
        if (count === 0) break;
        done += count;
      }
    } catch (error) {
      throw failureOf(error, 'read', this.fullPath(fileIndex));
    }
    return done;
  }

  /** Deletes the file if it is there. */
  remove(fileIndex: number): void {
    this.#open.handles.close(this.#id, fileIndex);
    try {
      const folder = this.folderOf(fileIndex, false);
      if (folder !== undefined) unlinkSync(folder.prefix + this.nameOf(fileIndex));
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw failureOf(error, 'remove', this.fullPath(fileIndex));
    }
    Atomics.store(this.#torrent.flags, fileIndex, 0);
  }

  /** Puts on the medium what any thread has written, and the entries of files that were created. */
  flush(): void {
    const folders = new Set<string>();
    for (let i = 0; i <= this.partFileIndex; i++) {
      const flags = Atomics.and(this.#torrent.flags, i, FLAG_CREATED);
      if ((flags & (FLAG_DIRTY | FLAG_ENTRY_DIRTY)) === 0) continue;
      try {
        if ((flags & FLAG_DIRTY) !== 0) this.#syncFile(i);
        if ((flags & FLAG_ENTRY_DIRTY) !== 0) this.#syncFolders(this.#pathOf(i), folders);
      } catch (error) {
        this.#setFlags(i, flags);
        throw failureOf(error, 'flush', this.fullPath(i));
      }
    }
  }

  close(): void {
    this.#open.handles.closeStorage(this.#id);
    this.#open.folders.leave(this.#torrent.rootPath);
  }

  #pathOf(fileIndex: number): readonly string[] {
    return fileIndex === this.partFileIndex ? [this.#torrent.partFileName] : this.#torrent.files[fileIndex]!.path;
  }

  #setFlags(fileIndex: number, flags: number): void {
    const all = this.#torrent.flags;
    if ((Atomics.load(all, fileIndex) & flags) !== flags) Atomics.or(all, fileIndex, flags);
  }

  #openOnce(fileIndex: number, mode: OpenMode): number | undefined {
    try {
      const folder = this.folderOf(fileIndex, mode === 'create');
      if (folder === undefined) return undefined;
      const isOurs = (Atomics.load(this.#torrent.flags, fileIndex) & FLAG_CREATED) !== 0;
      const opened = openFile(folder, this.nameOf(fileIndex), mode, isOurs);
      if (opened?.isCreated === true) this.#setFlags(fileIndex, FLAG_CREATED | FLAG_ENTRY_DIRTY);
      return opened?.fd;
    } catch (error) {
      throw failureOf(error, 'open', this.fullPath(fileIndex));
    }
  }

  #syncFile(fileIndex: number): void {
    // Windows flushes only what is open for writing.
    const handle = this.open(fileIndex, process.platform === 'win32' ? 'write' : 'read');
    if (handle === undefined) throw new DiskFailure('DISK_NOT_FOUND', `${this.fullPath(fileIndex)} has disappeared`);
    fdatasyncSync(handle.fd);
  }

  #syncFolders(path: readonly string[], done: Set<string>): void {
    for (let depth = path.length - 1; depth >= 0; depth--) {
      const parts = path.slice(0, depth);
      const key = parts.join('/');
      if (done.has(key)) return;
      done.add(key);
      this.#open.folders.sync(this.#torrent.rootPath, parts);
    }
  }
}

function writeWhole(fd: number, data: Uint8Array, fileOffset: number): void {
  for (let done = 0; done < data.length; ) {
    const written = writeSync(fd, data, done, data.length - done, fileOffset + done);
    if (written === 0) throw new Error('the system accepted no byte');
    done += written;
  }
}
