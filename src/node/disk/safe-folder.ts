// Opens folders and files under a save root so that no link leads out of it, not even one that is put in place while we
// work (threat T-27). On Linux each step is taken from the folder's open descriptor, through /proc/self/fd, and refuses
// links; elsewhere each step is looked at before it is taken, which leaves a short moment to an attacker on this machine.
// The save root itself may be a link: that is the user's choice.
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  type Stats,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DiskFailure, errnoOf, failureOf } from './disk-failure.ts';

const WALKS_BY_DESCRIPTOR = process.platform === 'linux' && existsSync('/proc/self/fd');
// Undefined on Windows, where creating links needs a privilege.
const NO_FOLLOW: number = constants.O_NOFOLLOW ?? 0;
// A FIFO in a file's place must not stop the thread; without meaning for files.
const NO_BLOCK: number = constants.O_NONBLOCK ?? 0;
/** After this many ms a folder is looked up anew: it may have been moved away. */
const KEEP_MS = 1_000;

/** A folder that was reached without following a link. Valid until the walker's next step. */
export interface Folder {
  /** What to put before a name to reach it inside this folder. */
  readonly prefix: string;
  /** As the user knows it, for messages. */
  readonly path: string;
}

interface OpenFolder extends Folder {
  readonly key: string;
  readonly rootPath: string;
  readonly fd: number;
  readonly openedMs: number;
}

/** Walks into folders; remembers the last one, since files of one folder are mostly touched one after the other. */
export class FolderWalker {
  #last: OpenFolder | undefined;

  /** The folder of these path parts under the root; undefined when it is missing and not to be created. */
  enter(rootPath: string, parts: readonly string[], create: boolean): Folder | undefined {
    const key = `${rootPath}\0${parts.join('/')}`;
    const last = this.#last;
    if (last?.key === key && performance.now() - last.openedMs < KEEP_MS) return last;
    this.leave();
    const fd = WALKS_BY_DESCRIPTOR ? walkByDescriptor(rootPath, parts, create) : walkByPath(rootPath, parts, create);
    if (fd === undefined) return undefined;
    const path = join(rootPath, ...parts);
    const prefix = WALKS_BY_DESCRIPTOR ? `/proc/self/fd/${fd}/` : join(path, '/');
    this.#last = { key, rootPath, fd, path, prefix, openedMs: performance.now() };
    return this.#last;
  }

  /** Puts the folder's entries on the medium. Windows has no call for that, and needs none. */
  sync(rootPath: string, parts: readonly string[]): void {
    const folder = process.platform === 'win32' ? undefined : this.enter(rootPath, parts, false);
    if (folder === undefined) return;
    const held = this.#last?.fd ?? -1;
    const fd = held >= 0 ? held : openSync(folder.path, constants.O_RDONLY);
    try {
      fsyncSync(fd);
    } finally {
      if (fd !== held) closeSync(fd);
    }
  }

  /** Forgets the last folder, or only if it stands under this root. */
  leave(rootPath?: string): void {
    const last = this.#last;
    if (last === undefined || (rootPath !== undefined && rootPath !== last.rootPath)) return;
    this.#last = undefined;
    if (last.fd >= 0) closeSync(last.fd);
  }
}

function walkByDescriptor(rootPath: string, parts: readonly string[], create: boolean): number | undefined {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY;
  let fd = step(rootPath, rootPath, flags, create);
  let path = rootPath;
  for (const part of parts) {
    if (fd === undefined) return undefined;
    const outer = fd;
    path = join(path, part);
    try {
      fd = step(`/proc/self/fd/${outer}/${part}`, path, flags | NO_FOLLOW, create);
    } finally {
      closeSync(outer);
    }
  }
  return fd;
}

function walkByPath(rootPath: string, parts: readonly string[], create: boolean): number | undefined {
  let path = rootPath;
  for (const part of ['', ...parts]) {
    path = join(path, part);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) {
      if (!create) return undefined;
      makeFolder(path, path, part === '');
    } else if (part !== '' && !stats.isDirectory()) throw folderConflict(stats, path);
  }
  return -1;
}

/** Opens one folder, after creating it if it is missing and that is asked for. */
function step(at: string, path: string, flags: number, create: boolean): number | undefined {
  for (let attempt = 0; ; attempt++) {
    try {
      return openSync(at, flags);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'ENOTDIR' || errno === 'ELOOP') throw folderConflict(statOf(at), path);
      if (errno !== 'ENOENT') throw failureOf(error, 'open', path);
      if (!create) return undefined;
      if (attempt > 1) throw failureOf(error, 'create', path);
      makeFolder(at, path, at === path);
    }
  }
}

function makeFolder(at: string, path: string, isRoot: boolean): void {
  try {
    if (isRoot) makeAncestors(dirname(at));
    mkdirSync(at);
  } catch (error) {
    // Another thread was faster.
    if (errnoOf(error) === 'EEXIST') return;
    throw failureOf(error, 'create', path);
  }
}

/** One by one: where a file system answers ENOENT though the parent is there, `recursive` tries for ever. */
function makeAncestors(path: string): void {
  const missing: string[] = [];
  for (let at = path; !existsSync(at) && dirname(at) !== at; at = dirname(at)) missing.push(at);
  for (const at of missing.reverse()) {
    try {
      mkdirSync(at);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  }
}

function statOf(at: string): Stats | undefined {
  return lstatSync(at, { throwIfNoEntry: false });
}

function folderConflict(stats: Stats | undefined, path: string): DiskFailure {
  if (stats?.isSymbolicLink() === true) {
    return new DiskFailure('DISK_PATH_UNSAFE', `${path} is a symbolic link where the torrent has a folder`);
  }
  return new DiskFailure('DISK_PATH_CONFLICT', `${path} is no folder, but the torrent has a folder of that name`);
}

/** How a file is opened: `create` also makes it when it is missing. */
export type OpenMode = 'read' | 'write' | 'create';

export interface OpenedFile {
  readonly fd: number;
  /** It did not exist before. */
  readonly isCreated: boolean;
}

/**
 * Opens a file of a folder; undefined when it is missing. Never truncates. Refuses links and all that is no ordinary
 * file; for writing also files that have a second name somewhere, unless `mayHaveLinks`.
 */
export function openFile(folder: Folder, name: string, mode: OpenMode, mayHaveLinks: boolean): OpenedFile | undefined {
  const at = folder.prefix + name;
  const path = join(folder.path, name);
  const access = (mode === 'read' ? constants.O_RDONLY : constants.O_RDWR) | NO_FOLLOW | NO_BLOCK;
  for (let attempt = 0; ; attempt++) {
    if (!WALKS_BY_DESCRIPTOR && statOf(at)?.isSymbolicLink() === true) throw linkInPlace(path);
    try {
      const fd = openSync(at, access);
      checkOrdinary(fd, path, mode !== 'read' && !mayHaveLinks);
      return { fd, isCreated: false };
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw openFailure(error, path);
      if (mode !== 'create') return undefined;
    }
    try {
      return { fd: openSync(at, access | constants.O_CREAT | constants.O_EXCL, 0o666), isCreated: true };
    } catch (error) {
      // Another thread may have created it between the two attempts; a link to nowhere would be found every time.
      if (errnoOf(error) !== 'EEXIST' || attempt > 1) throw openFailure(error, path);
    }
  }
}

function checkOrdinary(fd: number, path: string, refuseLinks: boolean): void {
  const stats = fstatSync(fd);
  if (stats.isFile() && !(refuseLinks && stats.nlink > 1)) return;
  closeSync(fd);
  if (stats.isFile()) {
    throw new DiskFailure('DISK_PATH_UNSAFE', `${path} has another name elsewhere (a hard link): not written to`);
  }
  throw new DiskFailure('DISK_PATH_CONFLICT', `${path} is no ordinary file, but the torrent has a file of that name`);
}

function openFailure(error: unknown, path: string): DiskFailure {
  const errno = errnoOf(error);
  if (errno === 'ELOOP') return linkInPlace(path);
  // ENXIO: a socket, or a device without a driver.
  if (errno === 'EISDIR' || errno === 'ENXIO') {
    return new DiskFailure(
      'DISK_PATH_CONFLICT',
      `${path} is no ordinary file, but the torrent has a file of that name`,
    );
  }
  return failureOf(error, 'open', path);
}

function linkInPlace(path: string): DiskFailure {
  return new DiskFailure('DISK_PATH_UNSAFE', `${path} is a symbolic link where the torrent has a file`);
}
