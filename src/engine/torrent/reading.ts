// All that is read of one torrent while it downloads: its readers, the deadlines that the user sets for single pieces, and
// what both together mean for the picker. Looks after them a few times a second while something that is needed is missing.
import { assert } from '../../base/assert.ts';
import type { DiskError, Storage } from '../../platform/disk.ts';
import type { SessionError } from '../../platform/session-error.ts';
import type { PieceDeadline } from '../../swarm/piece-picker.ts';
import type { DeadlineEntry, DeadlineQueue } from '../deadline-queue.ts';
import { FileReader, type FileReaderHost } from './file-reader.ts';
import type { PiecePriorities } from './piece-priorities.ts';
import type { TorrentContent } from './torrent-content.ts';

/** Deadlines follow rates that change, and peers that fall silent are noticed. */
const REFRESH_MS = 500;
/** For what is needed within this time peers are kept from what is not. */
const SOON_MS = 2_000;

/** What of the exchange with peers has to do with reading. */
export interface ReadingExchange {
  readonly isRunning: boolean;
  /** Pieces that are not there are fetched. */
  readonly isFetching: boolean;
  nowMs(): number;
  hasPiece(pieceIndex: number): boolean;
  handleReadError(pieceIndex: number, error: DiskError): void;
  /** `makesRoom`: what is needed later is taken back from the peers. */
  setDeadlines(deadlines: readonly PieceDeadline[], makesRoom: boolean, nowMs: number): void;
  downloadBytesPerSecond(nowMs: number): number;
}

export interface ReadingParts {
  readonly content: TorrentContent;
  readonly storage: Storage;
  readonly exchange: ReadingExchange;
  readonly deadlines: DeadlineQueue;
  /** Changes what is wanted, on disk too. */
  readonly changePriorities: (change: (priorities: PiecePriorities) => void) => void;
}

export class Reading implements DeadlineEntry, FileReaderHost {
  readonly storage: Storage;
  readonly #parts: ReadingParts;
  // BOUNDED: the user's own.
  readonly #readers = new Set<FileReader>();
  /** Piece → time that the user needs it. BOUNDED: by the pieces. */
  readonly #own = new Map<number, number>();
  #isSet = false;
  /** Something is needed that was not thought of a moment ago, soon perhaps: the peers are busy with other things. */
  #isNews = false;

  constructor(parts: ReadingParts) {
    this.#parts = parts;
    this.storage = parts.storage;
  }

  /** The piece is needed in so many milliseconds. */
  setPieceDeadline(pieceIndex: number, inMs: number): void {
    if (this.hasPiece(pieceIndex)) return;
    const nowMs = this.nowMs();
    this.#own.set(pieceIndex, nowMs + inMs);
    // Many are set one after the other: they take effect together.
    this.#isSet = true;
    this.#isNews ||= inMs < SOON_MS;
    this.#parts.deadlines.expedite(this, nowMs);
  }

  clearPieceDeadlines(): void {
    this.#own.clear();
    this.#refresh(this.nowMs());
  }

  /** A reader of the file's bytes from `start` to `end`; what it needs is wanted until it is closed. */
  open(fileIndex: number, start: number, end: number): FileReader {
    const { content } = this.#parts;
    const offset = content.layout.offsetOfFile(fileIndex);
    const { pieceLengthBytes } = content.info;
    const reader = new FileReader(this, { startBytes: offset + start, endBytes: offset + end, pieceLengthBytes });
    this.#readers.add(reader);
    this.#parts.changePriorities((priorities) => priorities.beginReading(fileIndex, reader.range));
    this.#isNews = !this.hasPiece(reader.pieceIndex);
    this.#refresh(this.nowMs());
    return reader;
  }

  /** Pieces may have come or gone without a word: the disk has been checked. */
  handleStarted(): void {
    for (const reader of [...this.#readers]) reader.handlePieceVerified(reader.pieceIndex);
    this.#refresh(this.nowMs());
  }

  handlePieceVerified(pieceIndex: number): void {
    this.#own.delete(pieceIndex);
    for (const reader of [...this.#readers]) reader.handlePieceVerified(pieceIndex);
  }

  /** The torrent has failed or leaves: no reader gets any further. */
  handleHopeless(error: SessionError): void {
    for (const reader of [...this.#readers]) reader.handleFailure(error);
    this.#parts.deadlines.remove(this);
  }

  handleDeadline(nowMs: number): number {
    return this.#refresh(nowMs) ? nowMs + REFRESH_MS : Number.POSITIVE_INFINITY;
  }

  // ── What readers ask ─────────────────────────────────────────────────────────────────────────────────────────────

  get isFetching(): boolean {
    return this.#parts.exchange.isFetching;
  }

  nowMs(): number {
    return this.#parts.exchange.nowMs();
  }

  hasPiece(pieceIndex: number): boolean {
    return this.#parts.exchange.hasPiece(pieceIndex);
  }

  handleReadError(pieceIndex: number, error: DiskError): void {
    this.#parts.exchange.handleReadError(pieceIndex, error);
  }

  handleMoved(): void {
    this.#refresh(this.nowMs());
  }

  handleClosed(reader: FileReader): void {
    const isKnown = this.#readers.delete(reader);
    assert(isKnown, 'a reader is closed twice');
    this.#parts.changePriorities((priorities) => priorities.endReading(reader.range));
    this.#refresh(this.nowMs());
  }

  /** Tells the picker what is needed when. Returns whether something is. */
  #refresh(nowMs: number): boolean {
    const { exchange } = this.#parts;
    if (this.#readers.size === 0 && this.#own.size === 0 && !this.#isSet) return false;
    const all: PieceDeadline[] = [];
    if (exchange.isRunning) {
      const rate = exchange.downloadBytesPerSecond(nowMs);
      for (const [pieceIndex, deadlineMs] of this.#own) all.push({ pieceIndex, deadlineMs });
      for (const reader of this.#readers) all.push(...reader.deadlines(rate, nowMs));
    }
    const missing = all.filter(({ pieceIndex }) => !exchange.hasPiece(pieceIndex));
    if (missing.length === 0 && !this.#isSet) return false;
    exchange.setDeadlines(missing, this.#isNews && missing.length > 0, nowMs);
    this.#isNews = false;
    this.#isSet = missing.length > 0;
    if (this.#isSet) this.#parts.deadlines.expedite(this, nowMs + REFRESH_MS);
    return this.#isSet;
  }
}
