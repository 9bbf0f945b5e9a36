// One reader of a file: gives its bytes in order, each as soon as its piece is verified and written. Reads from the disk
// only what it is asked for next, so that a slow reader holds nothing in memory. Knows neither peers nor what other readers
// do; what it needs next, and when, is asked of it.
import { assert } from '../../base/assert.ts';
import type { DiskError, Storage } from '../../platform/disk.ts';
import { SessionError } from '../../platform/session-error.ts';
import type { PieceRange } from '../../storage/file-layout.ts';
import type { PieceDeadline } from '../../swarm/piece-picker.ts';
import { ReadPace } from '../../swarm/read-pace.ts';
import { deadlinesAhead } from '../../swarm/read-window.ts';

/** Bytes of one answer at most. BOUNDED: a reader has no more than one in memory. */
export const READ_CHUNK_BYTES: number = 256 * 1024;
/** Readings of one place that may fail while the piece is fetched again. */
const READ_ERRORS_MAX = 3;

export type ReadResult =
  /** The caller's to keep. */
  | { readonly type: 'bytes'; readonly bytes: Uint8Array }
  | { readonly type: 'end' }
  | { readonly type: 'failed'; readonly error: SessionError };

export interface FileReaderHost {
  readonly storage: Storage;
  /** What is missing is fetched; otherwise reading ends there. */
  readonly isFetching: boolean;
  nowMs(): number;
  hasPiece(pieceIndex: number): boolean;
  /** A piece that was said to be there is not; afterwards it may be missing, and fetched again. */
  handleReadError(pieceIndex: number, error: DiskError): void;
  /** What the reader needs next has changed. */
  handleMoved(reader: FileReader): void;
  handleClosed(reader: FileReader): void;
}

export interface FileReaderOptions {
  /** In the torrent's byte space. */
  readonly startBytes: number;
  readonly endBytes: number;
  readonly pieceLengthBytes: number;
}

export class FileReader {
  /** Pieces that it may come to. */
  readonly range: PieceRange;
  readonly #host: FileReaderHost;
  readonly #options: FileReaderOptions;
  readonly #pace = new ReadPace();
  #positionBytes: number;
  /** Who waits for the next bytes. */
  #onResult: ((result: ReadResult) => void) | undefined;
  #isReading = false;
  #readErrorCount = 0;
  #failure: SessionError | undefined;
  #isClosed = false;

  constructor(host: FileReaderHost, options: FileReaderOptions) {
    const { startBytes, endBytes, pieceLengthBytes } = options;
    this.#host = host;
    this.#options = options;
    this.#positionBytes = startBytes;
    const first = Math.floor(startBytes / pieceLengthBytes);
    this.range = { first, end: endBytes === startBytes ? first : Math.ceil(endBytes / pieceLengthBytes) };
  }

  /** The piece of the next byte. */
  get pieceIndex(): number {
    return Math.floor(this.#positionBytes / this.#options.pieceLengthBytes);
  }

  /** Calls back once with what comes next, unless it is closed before. One call at a time. */
  next(onResult: (result: ReadResult) => void): void {
    assert(this.#onResult === undefined, 'a reader is asked for the next bytes before it gave the last');
    this.#onResult = onResult;
    this.#pace.handleAsked(this.#host.nowMs());
    this.#goOn();
  }

  /** The piece is there now, or may be. */
  handlePieceVerified(pieceIndex: number): void {
    if (pieceIndex === this.pieceIndex) this.#goOn();
  }

  /** Nothing more will come. */
  handleFailure(error: SessionError): void {
    this.#failure ??= error;
    this.#goOn();
  }

  /** Drops what it has asked for; idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onResult = undefined;
    this.#host.handleClosed(this);
  }

  /** What it needs next, in order. Pieces that are had are among them. */
  deadlines(downloadBytesPerSecond: number, nowMs: number): PieceDeadline[] {
    const { endBytes, pieceLengthBytes } = this.#options;
    if (this.#isClosed || this.#failure !== undefined) return [];
    return deadlinesAhead({
      positionBytes: this.#positionBytes,
      endBytes,
      pieceLengthBytes,
      readBytesPerSecond: this.#pace.bytesPerSecond(nowMs),
      downloadBytesPerSecond,
      nowMs,
    });
  }

  #goOn(): void {
    if (this.#onResult === undefined || this.#isReading) return;
    if (this.#failure !== undefined) this.#answer({ type: 'failed', error: this.#failure });
    else if (this.#positionBytes === this.#options.endBytes) this.#answer({ type: 'end' });
    else if (this.#host.hasPiece(this.pieceIndex)) this.#read();
    else if (!this.#host.isFetching) this.handleFailure(notThereError());
  }

  #read(): void {
    const { endBytes, pieceLengthBytes } = this.#options;
    const { pieceIndex } = this;
    const begin = this.#positionBytes - pieceIndex * pieceLengthBytes;
    const length = Math.min(READ_CHUNK_BYTES, pieceLengthBytes - begin, endBytes - this.#positionBytes);
    const bytes = new Uint8Array(length);
    this.#isReading = true;
    this.#host.storage.read(pieceIndex, begin, [bytes], ({ error }) => {
      this.#isReading = false;
      if (this.#isClosed) return;
      if (error !== undefined) this.#handleReadError(pieceIndex, error);
      else this.#handleBytes(bytes);
    });
  }

  #handleBytes(bytes: Uint8Array): void {
    const before = this.pieceIndex;
    this.#positionBytes += bytes.length;
    this.#readErrorCount = 0;
    this.#pace.handleGiven(bytes.length, this.#host.nowMs());
    if (this.pieceIndex !== before) this.#host.handleMoved(this);
    this.#answer({ type: 'bytes', bytes });
  }

  #handleReadError(pieceIndex: number, error: DiskError): void {
    this.#readErrorCount++;
    this.#host.handleReadError(pieceIndex, error);
    if (this.#isClosed) return;
    // Given up by the host, it is fetched again and waited for.
    const isFetchedAgain =
      this.#host.isFetching && !this.#host.hasPiece(pieceIndex) && this.#readErrorCount < READ_ERRORS_MAX;
    if (!isFetchedAgain) this.#failure ??= new SessionError(error.code, error.message, { operation: 'read' });
    else this.#host.handleMoved(this);
    this.#goOn();
  }

  #answer(result: ReadResult): void {
    const onResult = this.#onResult;
    this.#onResult = undefined;
    onResult?.(result);
  }
}

function notThereError(): SessionError {
  const message = 'A part of what is to be read is not there, and the torrent only shares what it has.';
  return new SessionError('DISK_NOT_FOUND', message, { operation: 'read' });
}
