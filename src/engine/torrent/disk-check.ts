// What is on disk, found out: one check at a time, the pieces found so far and those written meanwhile, and the call of
// `verify` that waits for it. The picker learns the result; what follows from it is the torrent's to decide.
import { Bitfield } from '../../base/bitfield.ts';
import type { DiskError, Storage } from '../../platform/disk.ts';
import type { SessionError } from '../../platform/session-error.ts';
import type { PiecePicker } from '../../swarm/piece-picker.ts';
import type { VerifyResult } from '../api.ts';
import { Checker, type CheckMode } from './checker.ts';
import type { TorrentContent } from './torrent-content.ts';
import { VerifyReport } from './verify-report.ts';

export interface DiskCheckParts {
  readonly content: TorrentContent;
  readonly storage: Storage;
  readonly picker: PiecePicker;
  /** Pieces that are hashed at once. */
  readonly concurrency: number;
}

/** A call of `verify` that is not answered yet. */
interface Verification {
  readonly report: VerifyReport;
  readonly promise: Promise<VerifyResult>;
  readonly resolve: (result: VerifyResult) => void;
  readonly reject: (reason: SessionError) => void;
}

export class DiskCheck {
  readonly #parts: DiskCheckParts;
  #checker: Checker | undefined;
  #checkedPieceCount = 0;
  /** While the disk is checked: the pieces found so far, and those written meanwhile. */
  #found: Bitfield | undefined;
  #verification: Verification | undefined;

  constructor(parts: DiskCheckParts) {
    this.#parts = parts;
  }

  get checkedPieceCount(): number {
    return this.#checkedPieceCount;
  }

  /** Nothing is found yet; `start` follows. */
  reset(): void {
    this.#checkedPieceCount = 0;
    this.#found = new Bitfield(this.#parts.content.pieceCount);
  }

  /** `onChecked`: the picker has what was found, and `verify` its answer; or the disk has failed. */
  start(mode: CheckMode, onChecked: (error: DiskError | undefined) => void): void {
    const { content, storage, concurrency } = this.#parts;
    const report = this.#verification?.report;
    this.#checker = new Checker(
      { storage, content, concurrency },
      {
        handlePieceChecked: (pieceIndex, verdict) => {
          this.#checkedPieceCount++;
          report?.add(pieceIndex, verdict);
          if (verdict === 'good') this.#found?.add(pieceIndex);
        },
        handleChecked: (error, files) => {
          this.#checker = undefined;
          if (error === undefined) {
            this.#applyFound();
            report?.finish(files);
            this.endVerification();
          }
          onChecked(error);
        },
      },
    );
    this.#checker.start(mode);
  }

  /** Ends what is under way. The call of `verify` still waits. */
  cancel(): void {
    this.#checker?.cancel();
    this.#checker = undefined;
    this.#found = undefined;
  }

  /** It was written, and counts as found if a check is under way. */
  handlePieceVerified(pieceIndex: number): void {
    this.#found?.add(pieceIndex);
  }

  /** The answer that somebody waits for already. */
  get verification(): Promise<VerifyResult> | undefined {
    return this.#verification?.promise;
  }

  /** The check that starts next, or the one after it, answers. */
  beginVerification(): Promise<VerifyResult> {
    let resolve: Verification['resolve'] = () => {};
    let reject: Verification['reject'] = () => {};
    const promise = new Promise<VerifyResult>((onResult, onError) => {
      resolve = onResult;
      reject = onError;
    });
    this.#verification = { report: new VerifyReport(this.#parts.content), promise, resolve, reject };
    return promise;
  }

  /** Answers the call of `verify`, if there is one. */
  endVerification(error?: SessionError): void {
    const verification = this.#verification;
    if (verification === undefined) return;
    this.#verification = undefined;
    if (error === undefined) verification.resolve(verification.report.result());
    else verification.reject(error);
  }

  /** The picker has what the check has found, and what was written while it ran. */
  #applyFound(): void {
    const { picker } = this.#parts;
    const found = this.#found!;
    this.#found = undefined;
    for (let pieceIndex = 0; pieceIndex < picker.pieceCount; pieceIndex++) {
      const state = picker.stateOf(pieceIndex);
      // The disk still writes it: the answer decides.
      if (state === 'hashing') continue;
      if (found.has(pieceIndex) && state !== 'have') picker.handlePieceVerified(pieceIndex);
      else if (!found.has(pieceIndex) && state === 'have') picker.handlePieceLost(pieceIndex);
    }
  }
}
