// Turns the names that a torrent's author wrote into paths that are safe, and the same, on every system: nothing leaves
// the save root, nothing that Windows reserves, nothing invisible, no two files in one place where case or Unicode form
// do not count. Decides from the names alone; never looks at a disk. Threats T-19 to T-23 of the threat model.
import { encodeUtf8 } from '../base/bytes.ts';
import {
  DIRECTORY_DEPTH_MAX,
  NAME_COLLISIONS_MAX,
  PATH_ELEMENT_MAX_BYTES,
  PATH_MAX_BYTES,
} from '../protocol/limits.ts';
import type { Parsed } from '../protocol/metainfo/metainfo.ts';

/** Stands for what cannot be kept, and for a name of which nothing remains. */
const REPLACEMENT = '_';
/** UTF-8 bytes, dot included, up to which what follows the last dot counts as an extension worth keeping. */
const EXTENSION_MAX_BYTES = 64;

// Control characters, separators, what Windows forbids, line separators, lone surrogates and U+FFFD, which stands where
// the name was no UTF-8.
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is its purpose.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f/\\<>:"|?*\u2028\u2029\ufffd-\uffff]|\p{Cs}/gu;
// Zero-width and direction-changing characters: with them "exe.gpj" can be shown as "jpg.exe".
const INVISIBLE =
  /[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;
// Devices on Windows, with any extension and with spaces before it.
const RESERVED = /^(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]) *(?:\.|$)/i;
const ASCII = /^[ -~]*$/;

export interface NamedFile {
  /** Path parts as written, the torrent's own folder not included. */
  readonly path: readonly string[];
  /** Pad files are never on disk: they take no name away from another file. */
  readonly pad: boolean;
}

/**
 * One path part made safe; empty when nothing of it remains (as of `.`, `..` and names of dots, spaces or invisible
 * characters alone). What comes out goes in and out again unchanged.
 */
export function safePathPart(raw: string): string {
  let part = withoutTrailing(raw.replace(UNSAFE, REPLACEMENT).replace(INVISIBLE, ''));
  if (RESERVED.test(part)) part = REPLACEMENT + part;
  return withoutTrailing(cutName(part, ''));
}

/**
 * The paths of a whole torrent under its save root, one a file in the same order; the torrent's folder comes first when
 * it is one of several files. Folders whose names differ only in case or Unicode form become one; a file whose name is
 * taken by a folder, or by a file before it, gets `.1`, `.2`, … before its extension.
 */
export function safePaths(
  files: readonly NamedFile[],
  torrentName: string,
  isMultiFile: boolean,
): Parsed<readonly (readonly string[])[]> {
  const names = new NameSpace();
  const root = isMultiFile ? [safePathPart(torrentName) || REPLACEMENT] : [];
  const paths: string[][] = [];
  const folderIds: number[] = [];
  for (let i = 0; i < files.length; i++) {
    const raw = files[i]!.path;
    const folders = root.concat(raw.slice(0, -1).map(safePathPart)).filter((part) => part !== '');
    if (folders.length > DIRECTORY_DEPTH_MAX) return problem(i, `lies in more than ${DIRECTORY_DEPTH_MAX} folders`);
    folderIds.push(files[i]!.pad ? -1 : names.enterFolders(folders));
    // Not pushed: an array that grows has room for 17 parts at once, and there is one for each file.
    paths.push(folders.concat(safePathPart(raw[raw.length - 1] ?? '') || REPLACEMENT));
  }
  // Folders first, all of them: a file must know whether a folder further down the list has its name.
  for (let i = 0; i < paths.length; i++) {
    const path = paths[i]!;
    if (folderIds[i]! >= 0) {
      const name = names.addFile(folderIds[i]!, path[path.length - 1]!);
      if (name === undefined) return problem(i, `is one of over ${NAME_COLLISIONS_MAX} whose names collide`);
      path[path.length - 1] = name;
    }
    if (pathBytes(path) > PATH_MAX_BYTES) return problem(i, `has a path of more than ${PATH_MAX_BYTES} bytes`);
  }
  return { ok: true, value: paths };
}

function problem(fileIndex: number, fault: string): Parsed<never> {
  return { ok: false, problem: { code: 'METAINFO_INVALID', message: `file ${fileIndex} ${fault}` } };
}

/** Who has which name already. Folders are numbers, so that a deep tree costs no long strings. */
class NameSpace {
  // BOUNDED: the folders, files and collisions of one torrent (FILES_MAX, BENCODE_TORRENT_TOKENS_MAX).
  readonly #folders = new Map<string, { readonly id: number; readonly name: string }>();
  readonly #files = new Set<string>();
  readonly #lastNumbers = new Map<string, number>();
  #collisionCount = 0;

  /** Number of the folder; each part is given the spelling in which the torrent named it first. */
  enterFolders(path: string[]): number {
    let id = 0;
    for (let i = 0; i < path.length; i++) {
      const key = `${id}/${collisionKey(path[i]!)}`;
      let folder = this.#folders.get(key);
      if (folder === undefined) {
        folder = { id: this.#folders.size + 1, name: path[i]! };
        this.#folders.set(key, folder);
      }
      path[i] = folder.name;
      id = folder.id;
    }
    return id;
  }

  /** The name under which the file may stand; undefined when too many collided. */
  addFile(folderId: number, wanted: string): string | undefined {
    const wantedKey = `${folderId}/${collisionKey(wanted)}`;
    let name = wanted;
    let key = wantedKey;
    while (this.#folders.has(key) || this.#files.has(key)) {
      if (++this.#collisionCount > NAME_COLLISIONS_MAX) return undefined;
      const number = (this.#lastNumbers.get(wantedKey) ?? 0) + 1;
      this.#lastNumbers.set(wantedKey, number);
      name = cutName(wanted, `.${number}`);
      key = `${folderId}/${collisionKey(name)}`;
    }
    this.#files.add(key);
    return name;
  }
}

/** Equal for names that some file system takes for the same: canonical composition and simple case folding. */
function collisionKey(name: string): string {
  if (ASCII.test(name)) return name.toLowerCase();
  let key = '';
  for (const character of name.normalize('NFC')) {
    const upper = character.toUpperCase();
    const folded = (isOneCharacter(upper) ? upper : character).toLowerCase();
    key += isOneCharacter(folded) ? folded : character;
  }
  return key.normalize('NFC');
}

function isOneCharacter(text: string): boolean {
  return text.length === 1 || (text.length === 2 && text.codePointAt(0)! > 0xffff);
}

/** Windows drops dots and spaces at the end of a name without a word. */
function withoutTrailing(name: string): string {
  let end = name.length;
  while (end > 0 && (name[end - 1] === '.' || name[end - 1] === ' ')) end--;
  return name.slice(0, end);
}

/** Puts `insert` before the extension, and cuts what stands before it so that the whole keeps within the limit. */
function cutName(name: string, insert: string): string {
  if (insert === '' && name.length * 3 <= PATH_ELEMENT_MAX_BYTES) return name;
  const dot = name.lastIndexOf('.');
  const extensionBytes = dot > 0 ? encodeUtf8(name.slice(dot)).length : 0;
  const stemEnd = extensionBytes > 0 && extensionBytes <= EXTENSION_MAX_BYTES ? dot : name.length;
  const tail = insert + name.slice(stemEnd);
  return cutUtf8(name.slice(0, stemEnd), PATH_ELEMENT_MAX_BYTES - encodeUtf8(tail).length) + tail;
}

/** The longest beginning that takes at most so many bytes in UTF-8; never half a character. */
function cutUtf8(text: string, maxBytes: number): string {
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (bytes > maxBytes) break;
    end += character.length;
  }
  return text.slice(0, end);
}

function pathBytes(path: readonly string[]): number {
  let bytes = path.length - 1;
  for (const part of path) bytes += ASCII.test(part) ? part.length : encodeUtf8(part).length;
  return bytes;
}
