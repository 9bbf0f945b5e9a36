// The data that is shared: bytes that depend on a seed alone, laid out to hit the edges of piece and file arithmetic.
// Also the fingerprint by which two trees are compared: every path, length and SHA-256.
import { createCipheriv, createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';

const MIB = 1024 * 1024;
export const PIECE_LENGTH_BYTES = 256 * 1024;

export interface Content {
  /** Folder that holds the content's own file or folder. */
  readonly parent: string;
  readonly name: string;
  readonly path: string;
  readonly totalBytes: number;
}

/** Pseudo-random bytes from a seed (AES-128 in counter mode over zeros). */
export function seededBytes(seed: string, lengthBytes: number): Uint8Array {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16)).update(new Uint8Array(lengthBytes));
}

function writeContent(parent: string, name: string, files: readonly (readonly [string, number])[]): Content {
  let totalBytes = 0;
  for (const [path, lengthBytes] of files) {
    const target = join(parent, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, seededBytes(path, lengthBytes));
    totalBytes += lengthBytes;
  }
  return { parent, name, path: join(parent, name), totalBytes };
}

/** One file whose last piece is short by some bytes. */
export function singleFile(parent: string, lengthBytes: number = 24 * MIB + 12_345): Content {
  const name = 'mill-stone.bin';
  return writeContent(parent, name, [[name, lengthBytes]]);
}

const DEEP = '1/2/3/4/5/6/7/8/9/10';

/**
 * A folder with empty files (first, last, two in a row), files that end inside a piece, exactly on its end, one byte before and
 * after, a 5-byte file, ten levels of folders, and names outside ASCII, all composed (NFC).
 */
export function manyFiles(parent: string): Content {
  const name = 'Mühle 水車 🌊'.normalize('NFC');
  const files: [string, number][] = [
    ['0 empty first.txt', 0],
    ['a/exactly-one-piece.bin', PIECE_LENGTH_BYTES],
    ['a/one-byte-less.bin', PIECE_LENGTH_BYTES - 1],
    ['a/one-byte-more.bin', PIECE_LENGTH_BYTES + 1],
    ['a/five.bytes', 5],
    ['a/one.byte', 1],
    ['b/empty-1', 0],
    ['b/empty-2', 0],
    ['b/inside a piece.bin', 3 * PIECE_LENGTH_BYTES + 4_321],
    [`${DEEP}/deep.bin`, 333_333],
    ['big/flour.bin', 12 * MIB + 77],
    ['big/grain.bin', 5 * MIB],
    ['日本語/水車小屋.txt', 70_001],
    ['🌾/grain-🌾.bin', 150_000],
    ['Größe/café.txt', 16_384],
    ['Größe/naïve 名前.dat', 16_385],
    ['z/tail.bin', 2 * MIB - 3],
    ['z/zz-empty-last', 0],
  ];
  return writeContent(
    parent,
    name,
    files.map(([path, lengthBytes]) => [`${name}/${path.normalize('NFC')}`, lengthBytes] as const),
  );
}

export interface TreeEntry {
  readonly lengthBytes: number;
  readonly sha256: string;
}

/** Files by their path. */
export type Tree = Record<string, TreeEntry>;

async function fingerprintOfFile(path: string): Promise<TreeEntry> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: MIB }), hash);
  return { lengthBytes: statSync(path).size, sha256: hash.digest('hex') };
}

/** Every file under `path` (or the file itself) by its path relative to `parent`, with length and SHA-256. */
export async function fingerprint(parent: string, name: string): Promise<Tree> {
  const tree: Tree = {};
  const visit = async (path: string): Promise<void> => {
    if (!existsSync(path)) return;
    if (!statSync(path).isDirectory()) {
      tree[relative(parent, path).split(sep).join('/')] = await fingerprintOfFile(path);
      return;
    }
    for (const entry of readdirSync(path).sort()) await visit(join(path, entry));
  };
  await visit(join(parent, name));
  return tree;
}

/** For programs that leave empty files out. */
export function withoutEmptyFiles(tree: Tree): Tree {
  return Object.fromEntries(Object.entries(tree).filter(([, { lengthBytes }]) => lengthBytes > 0));
}
