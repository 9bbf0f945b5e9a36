// Where a piece's bytes stand in a torrent's files. Files have places in one byte space; bytes that belong to no file,
// or to a pad file (BEP 47), read as zeros. Maths only: knows no path and no disk.
// BEP 3 (files one after the other), BEP 47 (pad files), BEP 52 (files start at multiples of the piece length).
import { assert } from '../base/assert.ts';
import { Bitfield } from '../base/bitfield.ts';

export interface LayoutFile {
  readonly lengthBytes: number;
  /** Where the file starts in the byte space; absent: where the file before it ends. Never before that. */
  readonly offsetBytes?: number | undefined;
  readonly pad: boolean;
}

/** Consecutive bytes of one file, or zeros that stand in no file. */
export interface FileSpan {
  /** -1 for zeros. */
  readonly fileIndex: number;
  /** 0 for zeros. */
  readonly fileOffset: number;
  readonly lengthBytes: number;
  readonly isZero: boolean;
}

/** Where a torrent's files stand, as arrays: cheap to share with other threads, and to keep for a million files. */
export interface FilePlaces {
  /** Where each file starts in the byte space. */
  readonly starts: Float64Array;
  readonly lengths: Float64Array;
  /** Indexes of the files that have bytes of their own (no pads, none empty), in the order of the byte space. */
  readonly dataFiles: Int32Array;
}

/** Pieces from `first` up to, not including, `end`. */
export interface PieceRange {
  readonly first: number;
  readonly end: number;
}

/** Gives files that name no place the one behind the file before them. */
export function placesOf(files: readonly LayoutFile[]): FilePlaces {
  const starts = new Float64Array(files.length);
  const lengths = new Float64Array(files.length);
  const dataFiles = new Int32Array(files.length);
  let dataFileCount = 0;
  let end = 0;
  for (let i = 0; i < files.length; i++) {
    const { lengthBytes, offsetBytes = end, pad } = files[i]!;
    assert(lengthBytes >= 0 && Number.isSafeInteger(lengthBytes), 'a file has a length');
    assert(offsetBytes >= end && Number.isSafeInteger(offsetBytes + lengthBytes), 'files do not overlap');
    starts[i] = offsetBytes;
    lengths[i] = lengthBytes;
    if (!pad && lengthBytes > 0) dataFiles[dataFileCount++] = i;
    end = offsetBytes + lengthBytes;
  }
  return { starts, lengths, dataFiles: dataFiles.slice(0, dataFileCount) };
}

export class FileLayout {
  readonly pieceLengthBytes: number;
  readonly fileCount: number;
  /** Size of the byte space: where the last file ends, pads included. */
  readonly spaceBytes: number;
  readonly pieceCount: number;
  readonly #starts: Float64Array;
  readonly #lengths: Float64Array;
  readonly #dataFiles: Int32Array;

  constructor(files: readonly LayoutFile[] | FilePlaces, pieceLengthBytes: number) {
    assert(Number.isSafeInteger(pieceLengthBytes) && pieceLengthBytes > 0, 'a piece has at least one byte');
    const { starts, lengths, dataFiles } = 'starts' in files ? files : placesOf(files);
    this.pieceLengthBytes = pieceLengthBytes;
    this.fileCount = starts.length;
    this.#starts = starts;
    this.#lengths = lengths;
    this.#dataFiles = dataFiles;
    const last = this.fileCount - 1;
    this.spaceBytes = last < 0 ? 0 : starts[last]! + lengths[last]!;
    this.pieceCount = Math.ceil(this.spaceBytes / pieceLengthBytes);
  }

  /** Where the file starts in the byte space. */
  offsetOfFile(fileIndex: number): number {
    return this.#starts[fileIndex]!;
  }

  lengthOfFile(fileIndex: number): number {
    return this.#lengths[fileIndex]!;
  }

  /** All pieces are `pieceLengthBytes` long but the last, which may be shorter. Zeros count. */
  bytesOfPiece(pieceIndex: number): number {
    assert(pieceIndex >= 0 && pieceIndex < this.pieceCount, 'the piece is in the torrent');
    return Math.min(this.pieceLengthBytes, this.spaceBytes - pieceIndex * this.pieceLengthBytes);
  }

  /** Bytes of the piece up to its last one that stands in a file: zeros at its end need not come from a peer. */
  requestableBytesOfPiece(pieceIndex: number): number {
    const start = pieceIndex * this.pieceLengthBytes;
    const size = this.bytesOfPiece(pieceIndex);
    const last = this.#lastDataFileBefore(start + size);
    if (last < 0) return 0;
    const fileIndex = this.#dataFiles[last]!;
    const end = this.#starts[fileIndex]! + this.#lengths[fileIndex]!;
    return Math.max(0, Math.min(size, end - start));
  }

  /** Where `lengthBytes` bytes from `begin` on in the piece stand, in order and without a gap. */
  spans(pieceIndex: number, begin: number, lengthBytes: number): FileSpan[] {
    assert(begin >= 0 && lengthBytes >= 0, 'a range has a beginning and a length');
    assert(begin + lengthBytes <= this.bytesOfPiece(pieceIndex), 'the range is in the piece');
    const spans: FileSpan[] = [];
    let position = pieceIndex * this.pieceLengthBytes + begin;
    const end = position + lengthBytes;
    if (position === end) return spans;
    for (let i = Math.max(0, this.#lastDataFileBefore(position + 1)); i < this.#dataFiles.length; i++) {
      const fileIndex = this.#dataFiles[i]!;
      const fileStart = this.#starts[fileIndex]!;
      const fileEnd = fileStart + this.#lengths[fileIndex]!;
      if (fileStart >= end) break;
      if (fileEnd <= position) continue;
      if (fileStart > position) {
        spans.push(zeros(fileStart - position));
        position = fileStart;
      }
      const spanEnd = Math.min(fileEnd, end);
      spans.push({ fileIndex, fileOffset: position - fileStart, lengthBytes: spanEnd - position, isZero: false });
      position = spanEnd;
    }
    if (position < end) spans.push(zeros(end - position));
    return spans;
  }

  /** The pieces that hold bytes of the file (pads too); none for an empty file. */
  pieceRangeOfFile(fileIndex: number): PieceRange {
    const start = this.#starts[fileIndex]!;
    const length = this.#lengths[fileIndex]!;
    const first = Math.floor(start / this.pieceLengthBytes);
    return { first, end: length === 0 ? first : Math.ceil((start + length) / this.pieceLengthBytes) };
  }

  /** The pieces that hold bytes of wanted files; one truth value a file. Pads ask for nothing. */
  wantedPieces(wanted: readonly boolean[]): Bitfield {
    const pieces = new Bitfield(this.pieceCount);
    for (const fileIndex of this.#dataFiles) {
      if (wanted[fileIndex] !== true) continue;
      const { first, end } = this.pieceRangeOfFile(fileIndex);
      for (let piece = first; piece < end; piece++) pieces.add(piece);
    }
    return pieces;
  }

  /**
   * How many bytes at the file's start stand in a piece that other files have bytes in, and how many at its end. A file
   * that lies in one shared piece is all head.
   */
  sharedBytesOfFile(fileIndex: number): { readonly headBytes: number; readonly tailBytes: number } {
    const start = this.#starts[fileIndex]!;
    const end = start + this.#lengths[fileIndex]!;
    const rank = this.#lastDataFileBefore(start + 1);
    if (this.#dataFiles[rank] !== fileIndex) return { headBytes: 0, tailBytes: 0 };
    const { first, end: endPiece } = this.pieceRangeOfFile(fileIndex);
    const firstPieceEnd = (first + 1) * this.pieceLengthBytes;
    const lastPieceStart = (endPiece - 1) * this.pieceLengthBytes;
    const before = this.#dataFiles[rank - 1];
    const after = this.#dataFiles[rank + 1];
    const sharesFirst =
      before !== undefined && this.#starts[before]! + this.#lengths[before]! > first * this.pieceLengthBytes;
    const sharesLast = after !== undefined && this.#starts[after]! < endPiece * this.pieceLengthBytes;
    if (endPiece - first === 1) return { headBytes: sharesFirst || sharesLast ? end - start : 0, tailBytes: 0 };
    return { headBytes: sharesFirst ? firstPieceEnd - start : 0, tailBytes: sharesLast ? end - lastPieceStart : 0 };
  }

  /** Place in `#dataFiles` of the last file that starts before the position; -1 when there is none. */
  #lastDataFileBefore(position: number): number {
    let low = 0;
    let high = this.#dataFiles.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#starts[this.#dataFiles[middle]!]! < position) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

function zeros(lengthBytes: number): FileSpan {
  return { fileIndex: -1, fileOffset: 0, lengthBytes, isZero: true };
}
