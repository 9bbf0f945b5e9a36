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
/** Folders above the last one that stay open, the outermost first. */
const FOLDERS_KEPT_MAX = 8;
/** To open a file: opening and creating take turns. */
const ATTEMPTS_MAX = 6;

/** A folder that was reached without following a link. Valid until the walker's next step. */
export interface Folder {
  /** What to put before a name to reach it inside this folder. */
  readonly prefix: string;
  /** As the user knows it, for messages. */
  readonly path: string;
}

interface OpenFolder extends Folder {
  /** -1 where folders are reached by their paths. */
  readonly fd: number;
  /** Its own; the save root's is empty. */
  readonly name: string;
  readonly openedMs: number;
}

/**
 * Walks into folders, and keeps the last one and those above it open, since files near each other are mostly touched one
 * after the other. What is kept is a descriptor: whoever puts a link in a folder's place changes nothing here.
 */
export class FolderWalker {
  #rootPath = '';
  // BOUNDED: FOLDERS_KEPT_MAX. From the save root downwards, each in the one before it; the oldest comes first.
  readonly #above: OpenFolder[] = [];
  #last: OpenFolder | undefined;
  /** With slashes, under the root. */
  #lastPath = '';
  /** After `enter` found none: the outermost folder that is missing, with slashes; empty for the save root. */
  missingPath = '';

  /** The folder of this path, with slashes, under the root; undefined when it is missing and not to be created. */
  enter(rootPath: string, folderPath: string, create: boolean): Folder | undefined {
    const nowMs = performance.now();
    // The oldest decides: what was found through it is no younger than what it was found in.
    if (rootPath !== this.#rootPath || nowMs - (this.#above[0]?.openedMs ?? nowMs) >= KEEP_MS) this.leave();
    this.#rootPath = rootPath;
    if (this.#last !== undefined && folderPath === this.#lastPath) return this.#last;
    const isKept = this.#above.length > 0;
    const found = this.#walk(folderPath, create, nowMs);
    if (found !== undefined || !isKept) return found;
    // A folder that we kept may have been removed, and be there anew.
    this.leave();
    return this.#walk(folderPath, create, nowMs);
  }

  /** Puts the folder's entries on the medium. Windows has no call for that, and needs none. */
  sync(rootPath: string, folderPath: string): void {
    const folder = process.platform === 'win32' ? undefined : this.enter(rootPath, folderPath, false);
    if (folder === undefined) return;
    const held = this.#last?.fd ?? -1;
    const fd = held >= 0 ? held : openSync(folder.path, constants.O_RDONLY);
    try {
      fsyncSync(fd);
    } finally {
      if (fd !== held) closeSync(fd);
    }
  }

  /** Forgets what is open, or only if it stands under this root. */
  leave(rootPath: string = this.#rootPath): void {
    if (rootPath !== this.#rootPath) return;
    this.#forgetLast();
    for (const folder of this.#above.splice(0)) close(folder);
  }

  #walk(folderPath: string, create: boolean, nowMs: number): Folder | undefined {
    const names = folderPath === '' ? [''] : ['', ...folderPath.split('/')];
    this.#forgetLast();
    let depth = 0;
    while (depth < this.#above.length && this.#above[depth]!.name === names[depth]) depth++;
    for (const folder of this.#above.splice(depth)) close(folder);
    let current = this.#above[depth - 1];
    for (; depth < names.length; depth++) {
      const outer = current;
      try {
        current = this.#step(outer, names[depth]!, create, nowMs);
      } finally {
        // One that is too deep to be kept is left behind.
        if (outer !== undefined && depth > FOLDERS_KEPT_MAX) close(outer);
      }
      if (current === undefined) {
        this.missingPath = names.slice(1, depth + 1).join('/');
        return undefined;
      }
      if (depth < FOLDERS_KEPT_MAX) this.#above.push(current);
    }
    this.#last = current;
    this.#lastPath = folderPath;
    return current;
  }

  #step(outer: OpenFolder | undefined, name: string, create: boolean, openedMs: number): OpenFolder | undefined {
    const path = outer === undefined ? this.#rootPath : join(outer.path, name);
    const at = outer === undefined ? path : outer.prefix + name;
    if (WALKS_BY_DESCRIPTOR) {
      const noFollow = outer === undefined ? 0 : NO_FOLLOW;
      const fd = openFolder(at, path, constants.O_RDONLY | constants.O_DIRECTORY | noFollow, create);
      return fd === undefined ? undefined : { fd, name, path, prefix: `/proc/self/fd/${fd}/`, openedMs };
    }
    return lookAtFolder(path, create, outer === undefined)
      ? { fd: -1, name, path, prefix: join(path, '/'), openedMs }
      : undefined;
  }

  #forgetLast(): void {
    if (this.#last !== undefined && !this.#above.includes(this.#last)) close(this.#last);
    this.#last = undefined;
  }
}

function close({ fd }: OpenFolder): void {
  if (fd >= 0) closeSync(fd);
}

/** False when it is missing and not to be created. */
function lookAtFolder(path: string, create: boolean, isRoot: boolean): boolean {
  const stats = statOf(path);
  if (stats !== undefined && !isRoot && !stats.isDirectory()) throw folderConflict(stats, path);
  if (stats === undefined && create) makeFolder(path, path, isRoot);
  return stats !== undefined || create;
}

/** Opens one folder, after creating it if it is missing and that is asked for. */
function openFolder(at: string, path: string, flags: number, create: boolean): number | undefined {
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

export interface OpenFileOptions {
  readonly mode: OpenMode;
  /** A second name somewhere does not matter: the file is ours. */
  readonly mayHaveLinks: boolean;
  /** It is likely to be there. What is created is first tried to be created when not: an attempt that fails is dear. */
  readonly isExpected: boolean;
}

/**
 * Opens a file of a folder; undefined when it is missing. Never truncates. Refuses links and all that is no ordinary
 * file; for writing also files that have a second name somewhere, unless `mayHaveLinks`.
 */
export function openFile(folder: Folder, name: string, options: OpenFileOptions): OpenedFile | undefined {
  const { mode, mayHaveLinks, isExpected } = options;
  const at = folder.prefix + name;
  const access = (mode === 'read' ? constants.O_RDONLY : constants.O_RDWR) | NO_FOLLOW | NO_BLOCK;
  for (let attempt = mode === 'create' && !isExpected ? 1 : 0; ; attempt++) {
    const creates = attempt % 2 === 1;
    try {
      if (creates) return { fd: openSync(at, access | constants.O_CREAT | constants.O_EXCL, 0o666), isCreated: true };
      if (!WALKS_BY_DESCRIPTOR && statOf(at)?.isSymbolicLink() === true) throw linkInPlace(join(folder.path, name));
      const fd = openSync(at, access);
      checkOrdinary(fd, join(folder.path, name), mode !== 'read' && !mayHaveLinks);
      return { fd, isCreated: false };
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'ENOENT' && mode !== 'create') return undefined;
      // Another thread may have created or removed it between two attempts; a link to nowhere would be found every time.
      const mayTryAgain = errno === (creates ? 'EEXIST' : 'ENOENT') && attempt < ATTEMPTS_MAX;
      if (!mayTryAgain) throw openFailure(error, join(folder.path, name));
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
