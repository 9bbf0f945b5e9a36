// Somebody who watches a film while it downloads: takes bytes from a reader as a player does, keeps a few seconds of them,
// plays at a constant rate, stands still when there is nothing, and remembers how long. Bytes are counted, not looked at.
import type { FileReader, ReadResult } from '../../src/engine/torrent/file-reader.ts';

/** What the player has in advance before it begins, and before it goes on after a stall, in seconds of the film. */
const START_SECONDS = 1;
/** What it takes in advance. */
const BUFFER_SECONDS = 4;

export interface PlayerSurroundings {
  nowMs(): number;
  after(delayMs: number, callback: () => void): void;
}

export class SimPlayer {
  readonly #world: PlayerSurroundings;
  readonly #reader: FileReader;
  readonly #bytesPerSecond: number;
  readonly #openedMs: number;
  #receivedBytes = 0;
  /** Played until `#sinceMs`. */
  #playedBytes = 0;
  #sinceMs = 0;
  #state: 'starting' | 'playing' | 'stalled' | 'ended' = 'starting';
  #isAll = false;
  #isAsking = false;
  #isClosed = false;
  /** Of the callback that still counts. */
  #waitCount = 0;
  /** From the opening of the reader, in ms; NaN: not yet. */
  firstByteMs: number = Number.NaN;
  startMs: number = Number.NaN;
  stallCount = 0;
  stalledMs = 0;
  longestStallMs = 0;
  failure: string | undefined;

  constructor(world: PlayerSurroundings, reader: FileReader, bytesPerSecond: number) {
    this.#world = world;
    this.#reader = reader;
    this.#bytesPerSecond = bytesPerSecond;
    this.#openedMs = world.nowMs();
    this.#ask();
  }

  /** The film is over. */
  get isEnded(): boolean {
    return this.#state === 'ended';
  }

  /** The user has seen enough. A stall that lasts is counted up to now. */
  close(): void {
    if (this.#isClosed) return;
    if (this.#state === 'stalled') this.#countStall();
    this.#isClosed = true;
    this.#reader.close();
  }

  #ask(): void {
    this.#isAsking = true;
    this.#reader.next((result) => this.#handleResult(result));
  }

  #handleResult(result: ReadResult): void {
    this.#isAsking = false;
    if (result.type === 'failed') this.failure = result.error.message;
    else if (result.type === 'end') this.#isAll = true;
    else {
      if (this.#receivedBytes === 0) this.firstByteMs = this.#world.nowMs() - this.#openedMs;
      this.#receivedBytes += result.bytes.length;
    }
    this.#step();
  }

  /** Plays up to now, then does what is due. */
  #step(): void {
    if (this.#isClosed) return;
    const nowMs = this.#world.nowMs();
    if (this.#state === 'playing') {
      this.#playedBytes += ((nowMs - this.#sinceMs) * this.#bytesPerSecond) / 1_000;
      this.#sinceMs = nowMs;
    }
    const aheadBytes = this.#receivedBytes - this.#playedBytes;
    if (this.#state === 'playing' && aheadBytes <= 0) {
      this.#playedBytes = this.#receivedBytes;
      if (this.#isAll) this.#state = 'ended';
      else {
        this.#state = 'stalled';
        this.#sinceMs = nowMs;
        this.stallCount++;
      }
    } else if (this.#state !== 'playing' && this.#state !== 'ended') {
      if (this.#isAll || aheadBytes >= START_SECONDS * this.#bytesPerSecond) this.#play(nowMs);
    }
    if (!this.#isAsking && !this.#isAll && this.failure === undefined && aheadBytes < this.#bufferBytes) this.#ask();
    else if (this.#state === 'playing') this.#wait(aheadBytes);
  }

  get #bufferBytes(): number {
    return BUFFER_SECONDS * this.#bytesPerSecond;
  }

  #play(nowMs: number): void {
    if (this.#state === 'starting') this.startMs = nowMs - this.#openedMs;
    else this.#countStall();
    this.#state = 'playing';
    this.#sinceMs = nowMs;
    // While bytes are asked for, the next answer may come too late.
    this.#wait(this.#receivedBytes - this.#playedBytes);
  }

  #countStall(): void {
    const tookMs = this.#world.nowMs() - this.#sinceMs;
    this.stalledMs += tookMs;
    this.longestStallMs = Math.max(this.longestStallMs, tookMs);
  }

  /** Until there is room for more, or nothing left to play. */
  #wait(aheadBytes: number): void {
    const surplus = this.#isAsking || this.#isAll ? aheadBytes : Math.max(0, aheadBytes - this.#bufferBytes);
    const wait = ++this.#waitCount;
    this.#world.after(Math.ceil((surplus * 1_000) / this.#bytesPerSecond) + 1, () => {
      if (wait === this.#waitCount) this.#step();
    });
  }
}
