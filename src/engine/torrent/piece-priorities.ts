// How much each piece is wanted: by the priorities of the files that have bytes in it, by what the user says of the piece
// itself, and by readers that need it whatever the others say. Also which files need a place on disk. Knows no picker.
import type { FileLayout, PieceRange } from '../../storage/file-layout.ts';
import type { ContentFile } from './torrent-content.ts';

export const PRIORITY_MAX = 7;
export const PRIORITY_DEFAULT = 4;
/** Of pieces that are wanted for nothing but a reader: those that it needs soon have deadlines. */
const PRIORITY_READ = 1;

export class PiecePriorities {
  readonly #files: readonly ContentFile[];
  readonly #layout: FileLayout;
  readonly #ofFile: Uint8Array;
  /** Pieces with a priority of their own. BOUNDED: by the pieces; set by the user alone. */
  readonly #ofPiece = new Map<number, number>();
  /** What is being read. */
  readonly #readings = new Set<PieceRange>();
  /** Files that are not wanted, but have pieces that are or were. */
  readonly #touched = new Set<number>();
  #wanted: readonly boolean[] = [];

  /** `wanted`: one value a file. */
  constructor(files: readonly ContentFile[], layout: FileLayout, wanted: readonly boolean[]) {
    this.#files = files;
    this.#layout = layout;
    this.#ofFile = new Uint8Array(files.length);
    this.selectFiles(wanted);
  }

  /** Files whose priority is above 0. */
  get wantedFiles(): readonly boolean[] {
    return this.#wanted;
  }

  /** Files that need a place on disk: those that are wanted, or have a piece that is. */
  storedFiles(): boolean[] {
    return this.#wanted.map((isWanted, fileIndex) => isWanted || this.#touched.has(fileIndex));
  }

  filePriority(fileIndex: number): number {
    return this.#ofFile[fileIndex]!;
  }

  /** Files that were wanted keep their priority. What was said of single pieces is forgotten. */
  selectFiles(wanted: readonly boolean[]): void {
    for (let fileIndex = 0; fileIndex < this.#files.length; fileIndex++) {
      const priority = wanted[fileIndex] === true ? this.#ofFile[fileIndex] || PRIORITY_DEFAULT : 0;
      this.#ofFile[fileIndex] = priority;
    }
    this.#ofPiece.clear();
    this.#wanted = wanted;
    this.#touchRead();
  }

  /** What was said of single pieces of the file is forgotten. */
  setFile(fileIndex: number, priority: number): void {
    this.#ofFile[fileIndex] = priority;
    const { first, end } = this.#layout.pieceRangeOfFile(fileIndex);
    for (const pieceIndex of [...this.#ofPiece.keys()]) {
      if (pieceIndex >= first && pieceIndex < end) this.#ofPiece.delete(pieceIndex);
    }
    this.#wanted = this.#wanted.map((isWanted, index) => (index === fileIndex ? priority > 0 : isWanted));
  }

  /** Whatever its files' priorities are. */
  setPiece(pieceIndex: number, priority: number): void {
    this.#ofPiece.set(pieceIndex, priority);
    if (priority > 0) this.#touch({ first: pieceIndex, end: pieceIndex + 1 });
  }

  /** Wanted, at least as the last, until `endReading` of the same object. */
  beginReading(range: PieceRange): void {
    this.#readings.add(range);
    this.#touch(range);
  }

  endReading(range: PieceRange): void {
    this.#readings.delete(range);
  }

  /** One value a piece, 0 to 7. */
  ofPieces(): Uint8Array {
    const priorities = new Uint8Array(this.#layout.pieceCount);
    for (const [fileIndex, { pad }] of this.#files.entries()) {
      const priority = this.#ofFile[fileIndex]!;
      if (pad || priority === 0) continue;
      const { first, end } = this.#layout.pieceRangeOfFile(fileIndex);
      for (let piece = first; piece < end; piece++) priorities[piece] = Math.max(priorities[piece]!, priority);
    }
    for (const [piece, priority] of this.#ofPiece) priorities[piece] = priority;
    for (const { first, end } of this.#readings) {
      for (let piece = first; piece < end; piece++) priorities[piece] ||= PRIORITY_READ;
    }
    return priorities;
  }

  #touchRead(): void {
    this.#touched.clear();
    for (const range of this.#readings) this.#touch(range);
  }

  /** The files in these pieces. */
  #touch({ first, end }: PieceRange): void {
    for (const [fileIndex, { isOnDisk }] of this.#files.entries()) {
      if (!isOnDisk || this.#wanted[fileIndex] === true) continue;
      const file = this.#layout.pieceRangeOfFile(fileIndex);
      if (file.first < end && file.end > first) this.#touched.add(fileIndex);
    }
  }
}
