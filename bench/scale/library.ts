// The torrents that the scale benchmark holds: many small ones with content of their own, v1, one file each. Every program is
// given the same .torrent files and the same data.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededBytes } from '../../interop/torrents/content.ts';

export const PIECE_LENGTH_BYTES: number = 16 * 1024;

export interface Library {
  readonly count: number;
  readonly sizeBytes: number;
  /** 00000.torrent and so on. */
  readonly torrentDir: string;
  /** 00000.bin and so on. */
  readonly dataDir: string;
}

export interface LibraryOptions {
  readonly folder: string;
  readonly count: number;
  readonly sizeBytes: number;
  /** Undefined: no tracker. */
  readonly trackerUrl: string | undefined;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from(`${bytes.length}:`), bytes]);
}

function metainfoOf(name: string, content: Uint8Array, trackerUrl: string | undefined): Buffer {
  const hashes: Buffer[] = [];
  for (let begin = 0; begin < content.length; begin += PIECE_LENGTH_BYTES) {
    hashes.push(
      createHash('sha1')
        .update(content.subarray(begin, begin + PIECE_LENGTH_BYTES))
        .digest(),
    );
  }
  const pieces = Buffer.concat(hashes);
  return Buffer.concat([
    Buffer.from('d'),
    ...(trackerUrl === undefined ? [] : [text('announce'), text(trackerUrl)]),
    text('info'),
    Buffer.from(`d6:lengthi${content.length}e`),
    text('name'),
    text(name),
    Buffer.from(`12:piece lengthi${PIECE_LENGTH_BYTES}e`),
    Buffer.from(`6:pieces${pieces.length}:`),
    pieces,
    Buffer.from('ee'),
  ]);
}

export function makeLibrary({ folder, count, sizeBytes, trackerUrl }: LibraryOptions): Library {
  const torrentDir = join(folder, trackerUrl === undefined ? 'torrents' : 'tracked');
  const dataDir = join(folder, 'data');
  mkdirSync(torrentDir, { recursive: true });
  mkdirSync(dataDir, { recursive: true });
  for (let index = 0; index < count; index++) {
    const number = String(index).padStart(5, '0');
    const content = seededBytes(`scale ${number}`, sizeBytes);
    writeFileSync(join(dataDir, `${number}.bin`), content);
    writeFileSync(join(torrentDir, `${number}.torrent`), metainfoOf(`${number}.bin`, content, trackerUrl));
  }
  return { count, sizeBytes, torrentDir, dataDir };
}
