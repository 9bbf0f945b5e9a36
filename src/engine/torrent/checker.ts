// Hashes what is on disk already: all of it on demand, or at the start of a torrent only the pieces that have bytes
// there. Decides nothing about what follows; each piece's verdict goes to the host.
import { Bitfield } from '../../base/bitfield.ts';
import type { DiskError, FileStatus, Storage } from '../../platform/disk.ts';
import type { TorrentContent } from './torrent-content.ts';

/**
 * `auto` hashes pieces that have bytes on disk, `always` every piece, `never` trusts files that have their full length.
 */
export type CheckMode = 'auto' | 'always' | 'never';

/** `missing`: bytes of the piece are not there; `bad`: they are, and differ. */
export type PieceVerdict = 'good' | 'bad' | 'missing';

export interface CheckerHost {
  handlePieceChecked(pieceIndex: number, verdict: PieceVerdict): void;
  /** Once, last; not after `cancel`. `files` as found before hashing, in the info dictionary's order. */
  handleChecked(error: DiskError | undefined, files: readonly FileStatus[]): void;
}

export interface CheckerParts {
  readonly storage: Storage;
  readonly content: TorrentContent;
  /** How many pieces are hashed at once. */
  readonly concurrency: number;
}

const NO_FILE: FileStatus = { exists: false, lengthBytes: 0 };

export class Checker {
  readonly #parts: CheckerParts;
  readonly #host: CheckerHost;
  #files: readonly FileStatus[] = [];
  #pieces: number[] = [];
  #next = 0;
  #inFlight = 0;
  #isDone = false;

  constructor(parts: CheckerParts, host: CheckerHost) {
    this.#parts = parts;
    this.#host = host;
  }

  start(mode: CheckMode): void {
    this.#parts.storage.stat((error, files) => {
      if (this.#isDone) return;
      if (error !== undefined) return this.#finish(error);
      const { content } = this.#parts;
      this.#files = files;
      if (mode === 'never') this.#trust();
      else
        this.#pieces = mode === 'always' ? [...Array(content.pieceCount).keys()] : [...this.#piecesOnDisk().indexes()];
      this.#advance();
    });
  }

  /** Answers that are still to come are ignored. */
  cancel(): void {
    this.#isDone = true;
  }

  #advance(): void {
    const { storage, content, concurrency } = this.#parts;
    while (!this.#isDone && this.#inFlight < concurrency && this.#next < this.#pieces.length) {
      const pieceIndex = this.#pieces[this.#next++]!;
      this.#inFlight++;
      storage.hashPiece(pieceIndex, content.expectedHash(pieceIndex), ({ error, matched }) => {
        this.#inFlight--;
        if (this.#isDone) return;
        if (error !== undefined && error.code !== 'DISK_NOT_FOUND') return this.#finish(error);
        this.#host.handlePieceChecked(pieceIndex, matched ? 'good' : this.#verdictOfMismatch(pieceIndex));
        this.#advance();
      });
    }
    if (!this.#isDone && this.#inFlight === 0 && this.#next >= this.#pieces.length) this.#finish(undefined);
  }

  #finish(error: DiskError | undefined): void {
    this.#isDone = true;
    this.#host.handleChecked(error, this.#files);
  }

  #verdictOfMismatch(pieceIndex: number): PieceVerdict {
    return this.#isWhollyThere(pieceIndex) ? 'bad' : 'missing';
  }

  /** Every byte of the piece lies within a file's present length. */
  #isWhollyThere(pieceIndex: number): boolean {
    const { content } = this.#parts;
    return content.layout
      .spans(pieceIndex, 0, content.pieceSizeBytes(pieceIndex))
      .every(
        ({ isZero, fileIndex, fileOffset, lengthBytes }) =>
          isZero || fileOffset + lengthBytes <= (this.#files[fileIndex] ?? NO_FILE).lengthBytes,
      );
  }

  #piecesOnDisk(): Bitfield {
    const { content } = this.#parts;
    const hasBytes = this.#files.map(({ exists, lengthBytes }) => exists && lengthBytes > 0);
    if (!hasBytes.includes(true)) return new Bitfield(content.pieceCount);
    return content.layout.wantedPieces(hasBytes);
  }

  #trust(): void {
    const { content } = this.#parts;
    for (let pieceIndex = 0; pieceIndex < content.pieceCount; pieceIndex++) {
      if (this.#isWhollyThere(pieceIndex)) this.#host.handlePieceChecked(pieceIndex, 'good');
    }
  }
}
