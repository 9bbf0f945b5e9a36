// Finds the files of a file or folder that is to be shared, in the order that a v2 file tree has (BEP 52), and says
// what it leaves out. Hidden files are files like others. A symbolic link inside the folder is followed when it leads
// to a regular file of that folder; one that leads outside would share what nobody asked to share, one to a folder may
// never end, so these are left out, as are sockets, pipes and devices. The path itself may be a link.
import { type Dirent, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, join, resolve, sep } from 'node:path';
import { DIRECTORY_DEPTH_MAX, FILES_MAX } from '../../protocol/limits.ts';
import { compareFilePaths } from '../../protocol/metainfo/index.ts';
import { DiskFailure, errnoOf, failureOf } from '../disk/disk-failure.ts';
import { changedFailure } from './changed-failure.ts';
import { TimeSlice } from './time-slice.ts';

export interface ContentFile {
  /** Path parts under the shared folder; the name alone for a single file. */
  readonly path: readonly string[];
  readonly absolutePath: string;
  readonly lengthBytes: number;
  /** As the system gave it; any other value later means that the file was changed. */
  readonly modifiedMs: number;
}

export interface Content {
  readonly name: string;
  readonly isFolder: boolean;
  readonly files: readonly ContentFile[];
  /** A sentence for each entry left out. */
  readonly skipped: readonly string[];
}

/** @throws {DiskFailure} when something cannot be read; `signal.reason` when aborted. */
export async function walkContent(path: string, signal: AbortSignal | undefined): Promise<Content> {
  const absolutePath = resolve(path);
  const name = basename(absolutePath);
  if (name === '') throw new DiskFailure('DISK_PATH_UNSAFE', `${absolutePath} has no name that a torrent could have`);
  const status = statusOf(absolutePath);
  if (status.isFile()) {
    return { name, isFolder: false, files: [contentFile([name], absolutePath, status)], skipped: [] };
  }
  if (!status.isDirectory()) {
    throw new DiskFailure('DISK_PATH_CONFLICT', `${absolutePath} is neither a file nor a folder`);
  }
  const walk = new FolderWalk(absolutePath, realpathSync.native(absolutePath), signal);
  const files = await walk.files();
  return { name, isFolder: true, files, skipped: walk.skipped };
}

class FolderWalk {
  readonly #root: string;
  readonly #realRoot: string;
  readonly #signal: AbortSignal | undefined;
  // BOUNDED: FILES_MAX.
  readonly #files: ContentFile[] = [];
  readonly skipped: string[] = [];

  constructor(root: string, realRoot: string, signal: AbortSignal | undefined) {
    this.#root = root;
    this.#realRoot = realRoot;
    this.#signal = signal;
  }

  async files(): Promise<ContentFile[]> {
    const folders: (readonly string[])[] = [[]];
    const slice = new TimeSlice();
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      this.#signal?.throwIfAborted();
      if (folder.length >= DIRECTORY_DEPTH_MAX) {
        throw new DiskFailure(
          'DISK_PATH_CONFLICT',
          `${this.#at(folder)} is more than ${DIRECTORY_DEPTH_MAX} folders deep`,
        );
      }
      for (const entry of this.#list(folder)) {
        this.#take(entry, [...folder, entry.name], folders);
        if (slice.isOver) await this.#rest(slice);
      }
      if (this.#files.length > FILES_MAX) {
        throw new DiskFailure('DISK_TOO_MANY_FILES', `${this.#root} has more than ${FILES_MAX} files`);
      }
    }
    return this.#files.sort((left, right) => compareFilePaths(left.path, right.path));
  }

  async #rest(slice: TimeSlice): Promise<void> {
    await slice.rest();
    this.#signal?.throwIfAborted();
  }

  #at(path: readonly string[]): string {
    return join(this.#root, ...path);
  }

  #list(folder: readonly string[]): Dirent[] {
    try {
      return readdirSync(this.#at(folder), { withFileTypes: true });
    } catch (error) {
      throw failureOf(error, 'list', this.#at(folder));
    }
  }

  #take(entry: Dirent, path: readonly string[], folders: (readonly string[])[]): void {
    const absolutePath = this.#at(path);
    if (entry.isDirectory()) folders.push(path);
    else if (entry.isFile()) this.#files.push(contentFile(path, absolutePath, statusOf(absolutePath)));
    else if (entry.isSymbolicLink()) this.#takeLink(path, absolutePath);
    else this.skipped.push(`${absolutePath} is left out: it is neither a file nor a folder.`);
  }

  #takeLink(path: readonly string[], absolutePath: string): void {
    let target: string;
    try {
      target = realpathSync.native(absolutePath);
    } catch (error) {
      if (errnoOf(error) === 'EACCES') throw failureOf(error, 'follow', absolutePath);
      this.skipped.push(`${absolutePath} is left out: the link leads nowhere.`);
      return;
    }
    const isInside =
      target === this.#realRoot ||
      target.startsWith(this.#realRoot.endsWith(sep) ? this.#realRoot : this.#realRoot + sep);
    if (!isInside) {
      this.skipped.push(`${absolutePath} is left out: the link leads out of the shared folder.`);
      return;
    }
    const status = statusOf(absolutePath);
    if (status.isFile()) this.#files.push(contentFile(path, absolutePath, status));
    else this.skipped.push(`${absolutePath} is left out: the link does not lead to a file.`);
  }
}

function statusOf(absolutePath: string): Stats {
  try {
    return statSync(absolutePath);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && basename(absolutePath).includes('\ufffd')) {
      throw new DiskFailure('DISK_PATH_UNSAFE', `the name of ${absolutePath} is not UTF-8, which a torrent needs`);
    }
    throw failureOf(error, 'read', absolutePath);
  }
}

function contentFile(path: readonly string[], absolutePath: string, status: Stats): ContentFile {
  return { path, absolutePath, lengthBytes: status.size, modifiedMs: status.mtimeMs };
}

/** @throws {DiskFailure} when a file is no longer as it was found. */
export async function assertUnchanged(files: readonly ContentFile[], signal: AbortSignal | undefined): Promise<void> {
  const slice = new TimeSlice();
  for (const { absolutePath, lengthBytes, modifiedMs } of files) {
    const status = statusOf(absolutePath);
    if (status.size !== lengthBytes || status.mtimeMs !== modifiedMs) throw changedFailure(absolutePath);
    if (!slice.isOver) continue;
    await slice.rest();
    signal?.throwIfAborted();
  }
}
