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
  /** What is being read, and of which file. BOUNDED: one a reader of the user's. */
  readonly #readings = new Map<PieceRange, number>();
  /** Files that are not wanted, but have pieces that are or were. */
  readonly #touched = new Set<number>();
  #wanted: readonly boolean[] = [];
  #storedChangeCount = 0;

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

  /** Grows whenever `storedFiles` may have changed. */
  get storedChangeCount(): number {
    return this.#storedChangeCount;
  }

  /** Files that were wanted keep their priority. What was said of single pieces is forgotten. */
  selectFiles(wanted: readonly boolean[]): void {
    for (let fileIndex = 0; fileIndex < this.#files.length; fileIndex++) {
      const priority = wanted[fileIndex] === true ? this.#ofFile[fileIndex] || PRIORITY_DEFAULT : 0;
      this.#ofFile[fileIndex] = priority;
    }
    this.#ofPiece.clear();
    this.#wanted = wanted;
    this.#storedChangeCount++;
    this.#touched.clear();
    for (const fileIndex of this.#readings.values()) this.#touch(fileIndex);
  }

  /** What was said of single pieces of the file is forgotten. */
  setFile(fileIndex: number, priority: number): void {
    this.#ofFile[fileIndex] = priority;
    const { first, end } = this.#layout.pieceRangeOfFile(fileIndex);
    for (const pieceIndex of [...this.#ofPiece.keys()]) {
      if (pieceIndex >= first && pieceIndex < end) this.#ofPiece.delete(pieceIndex);
    }
    if (priority > 0 === this.#wanted[fileIndex]) return;
    this.#wanted = this.#wanted.map((isWanted, index) => (index === fileIndex ? priority > 0 : isWanted));
    this.#storedChangeCount++;
  }

  handleStoredChanged(): void {
    this.#storedChangeCount++;
  }

  /** Whatever its files' priorities are. Returns what the piece's is now: a reader's need is stronger. */
  setPiece(pieceIndex: number, priority: number): number {
    this.#ofPiece.set(pieceIndex, priority);
    if (priority > 0) this.#touchFileOf(pieceIndex);
    return priority > 0 || !this.#isRead(pieceIndex) ? priority : PRIORITY_READ;
  }

  /** Pieces of the file that are wanted, at least as the last, until `endReading` of the same object. */
  beginReading(fileIndex: number, range: PieceRange): void {
    this.#readings.set(range, fileIndex);
    this.#touch(fileIndex);
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
    for (const { first, end } of this.#readings.keys()) {
      for (let piece = first; piece < end; piece++) priorities[piece] ||= PRIORITY_READ;
    }
    return priorities;
  }

  #isRead(pieceIndex: number): boolean {
    for (const { first, end } of this.#readings.keys()) if (pieceIndex >= first && pieceIndex < end) return true;
    return false;
  }

  #touch(fileIndex: number): void {
    if (this.#wanted[fileIndex] === true || this.#touched.has(fileIndex)) return;
    this.#touched.add(fileIndex);
    this.#storedChangeCount++;
  }

  /** A piece is kept where one of its files is; the shares of the others stand in the part file. */
  #touchFileOf(pieceIndex: number): void {
    const spans = this.#layout.spans(pieceIndex, 0, this.#layout.bytesOfPiece(pieceIndex));
    const onDisk = spans.filter(({ fileIndex }) => this.#files[fileIndex]?.isOnDisk === true);
    const hasPlace = onDisk.some(({ fileIndex }) => this.#wanted[fileIndex] === true || this.#touched.has(fileIndex));
    if (onDisk.length > 0 && !hasPlace) this.#touch(onDisk[0]!.fileIndex);
  }
}
