// What hashing every piece found, file by file.
import type { FileStatus } from '../../platform/disk.ts';
import type { DamagedFile, VerifyResult } from '../api.ts';
import type { PieceVerdict } from './checker.ts';
import type { TorrentContent } from './torrent-content.ts';

export class VerifyReport {
  readonly #content: TorrentContent;
  /** Pieces that are not good, by index. */
  readonly #faulty = new Map<number, PieceVerdict>();
  #goodPieces = 0;
  #files: readonly FileStatus[] = [];
  isDone = false;

  constructor(content: TorrentContent) {
    this.#content = content;
  }

  add(pieceIndex: number, verdict: PieceVerdict): void {
    if (verdict === 'good') this.#goodPieces++;
    else this.#faulty.set(pieceIndex, verdict);
  }

  /** `files` as they were found on disk. */
  finish(files: readonly FileStatus[]): void {
    this.#files = files;
    this.isDone = true;
  }

  result(): VerifyResult {
    let missingPieces = 0;
    for (const verdict of this.#faulty.values()) if (verdict === 'missing') missingPieces++;
    return {
      pieceCount: this.#content.pieceCount,
      goodPieces: this.#goodPieces,
      badPieces: this.#faulty.size - missingPieces,
      missingPieces,
      damagedFiles: this.#damagedFiles(),
    };
  }

  #damagedFiles(): DamagedFile[] {
    const damaged: DamagedFile[] = [];
    this.#content.files.forEach(({ path, lengthBytes, isOnDisk }, index) => {
      if (!isOnDisk) return;
      const status = this.#files[index];
      const { first, end } = this.#content.layout.pieceRangeOfFile(index);
      let badPieceCount = 0;
      for (let piece = first; piece < end; piece++) if (this.#faulty.has(piece)) badPieceCount++;
      const reason = faultOf(status, lengthBytes, badPieceCount);
      if (reason !== undefined) damaged.push({ index, path: path.join('/'), lengthBytes, reason, badPieceCount });
    });
    return damaged;
  }
}

function faultOf(
  status: FileStatus | undefined,
  lengthBytes: number,
  badPieceCount: number,
): DamagedFile['reason'] | undefined {
  if (status?.exists !== true) return 'missing';
  if (status.lengthBytes !== lengthBytes) return 'wrong-length';
  return badPieceCount > 0 ? 'damaged' : undefined;
}
