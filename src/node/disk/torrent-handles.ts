// The files of one torrent by their index, for one thread: opening them when they are needed, reading and writing them
// whole, making them durable. The part file counts as the file after the last. All calls block and throw `DiskFailure`.
// Several threads may each have one of these for a torrent: what they must agree on stands in `StoredTorrent.flags`.
import { fdatasyncSync, lstatSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DiskFailure, errnoOf, failureOf } from './disk-failure.ts';
import type { FileHandle, FileHandles } from './file-handles.ts';
import { pathOf } from './file-table.ts';
import { type Folder, type FolderWalker, type OpenMode, openFile } from './safe-folder.ts';
import { FLAG_CREATED, FLAG_DIRTY, FLAG_ENTRY_DIRTY, FLAG_SEEN, isPad, type StoredTorrent } from './stored-torrent.ts';
import type { WriteLocks } from './write-locks.ts';

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
    return this.#torrent.files.fileCount;
  }

  fullPath(fileIndex: number): string {
    return join(this.#torrent.rootPath, this.#pathOf(fileIndex));
  }

  /** Makes sure that there is a save root, so that one that cannot be is known before anything is fetched. */
  createRoot(): void {
    this.#open.folders.enter(this.#torrent.rootPath, '', true);
  }

  /** Bytes of each file; -1 for pads, and where there is no ordinary file. */
  lengths(): Float64Array {
    const lengths = new Float64Array(this.partFileIndex).fill(-1);
    let missing: string | undefined;
    for (let i = 0; i < lengths.length; i++) {
      if (isPad(this.#torrent, i)) continue;
      const path = this.#pathOf(i);
      // What lies in a folder that is not there need not be looked for.
      if (missing !== undefined && path.startsWith(missing)) continue;
      missing = undefined;
      try {
        const folder = this.#folderOf(path, false);
        if (folder === undefined) {
          missing = this.#open.folders.missingPath === '' ? '' : `${this.#open.folders.missingPath}/`;
          continue;
        }
        const stats = lstatSync(folder.prefix + nameIn(path), { throwIfNoEntry: false });
        if (stats?.isFile() !== true) continue;
        lengths[i] = stats.size;
        this.#setFlags(i, FLAG_SEEN);
      } catch (error) {
        const failure = failureOf(error, 'look at', this.fullPath(i));
        // Something else is in the way: there is no such file, and writing it will say why.
        if (failure.code !== 'DISK_PATH_CONFLICT' && failure.code !== 'DISK_PATH_UNSAFE') throw failure;
      }
    }
    return lengths;
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
      const path = this.#pathOf(fileIndex);
      const folder = this.#folderOf(path, false);
      if (folder !== undefined) unlinkSync(folder.prefix + nameIn(path));
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw failureOf(error, 'remove', this.fullPath(fileIndex));
    }
    Atomics.and(this.#torrent.flags, fileIndex, ~(FLAG_CREATED | FLAG_SEEN | FLAG_DIRTY | FLAG_ENTRY_DIRTY));
  }

  /** Puts on the medium what any thread has written, and the entries of files that were created. */
  flush(): void {
    const folders = new Set<string>();
    for (let i = 0; i <= this.partFileIndex; i++) {
      const flags = Atomics.and(this.#torrent.flags, i, ~(FLAG_DIRTY | FLAG_ENTRY_DIRTY));
      if ((flags & (FLAG_DIRTY | FLAG_ENTRY_DIRTY)) === 0) continue;
      try {
        if ((flags & FLAG_DIRTY) !== 0) this.#syncFile(i);
        if ((flags & FLAG_ENTRY_DIRTY) !== 0) this.#syncFolders(this.#pathOf(i), folders);
      } catch (error) {
        this.#setFlags(i, flags & (FLAG_DIRTY | FLAG_ENTRY_DIRTY));
        throw failureOf(error, 'flush', this.fullPath(i));
      }
    }
  }

  close(): void {
    this.#open.handles.closeStorage(this.#id);
    this.#open.folders.leave(this.#torrent.rootPath);
  }

  #pathOf(fileIndex: number): string {
    return fileIndex === this.partFileIndex ? this.#torrent.partFileName : pathOf(this.#torrent.files, fileIndex);
  }

  /** The folder of the file of this path; undefined when it is missing and not to be created. */
  #folderOf(path: string, create: boolean): Folder | undefined {
    return this.#open.folders.enter(this.#torrent.rootPath, folderIn(path), create);
  }

  #setFlags(fileIndex: number, flags: number): void {
    const all = this.#torrent.flags;
    if ((Atomics.load(all, fileIndex) & flags) !== flags) Atomics.or(all, fileIndex, flags);
  }

  #openOnce(fileIndex: number, mode: OpenMode): number | undefined {
    try {
      const path = this.#pathOf(fileIndex);
      const folder = this.#folderOf(path, mode === 'create');
      if (folder === undefined) return undefined;
      const flags = Atomics.load(this.#torrent.flags, fileIndex);
      const isOurs = (flags & FLAG_CREATED) !== 0;
      const isExpected = isOurs || (flags & FLAG_SEEN) !== 0;
      const opened = openFile(folder, nameIn(path), { mode, mayHaveLinks: isOurs, isExpected });
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

  #syncFolders(path: string, done: Set<string>): void {
    for (let folder = folderIn(path); !done.has(folder); folder = folderIn(folder)) {
      done.add(folder);
      this.#open.folders.sync(this.#torrent.rootPath, folder);
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

/** Of a path with slashes; the save root's own is empty. */
function folderIn(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function nameIn(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
