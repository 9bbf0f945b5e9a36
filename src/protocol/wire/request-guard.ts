// Judges the requests that one peer sends us (BEP 3, 6), before the upload queue sees them: range, choke state, what
// the allowed fast set grants, and how much nonsense is enough. Knows nothing of our pieces or our queue.
import { ALLOWED_FAST_REPEAT_MAX, BLOCK_BYTES, INCOMING_REQUESTS_MAX, INVALID_REQUESTS_MAX } from '../limits.ts';
import type { PieceSizes } from './piece-sizes.ts';
import { type Violation, type ViolationCode, violationOf } from './violation.ts';

export class RequestGuard {
  #invalidCount = 0;
  /** Requests that may have been under way when we choked the peer, and are no fault of its. */
  #underWayCount = 0;
  // BOUNDED: pieces that we granted, ALLOWED_FAST_SET_SIZE. Piece → bytes that may still be asked for while choked.
  readonly #allowedFastBytes = new Map<number, number>();

  /** We choked the peer: as many requests as we let it have may cross our message. */
  handleChoking(): void {
    this.#underWayCount = INCOMING_REQUESTS_MAX;
  }

  /** We told the peer that the piece is allowed fast. */
  handleGranted(pieceIndex: number, pieceBytes: number): void {
    if (!this.#allowedFastBytes.has(pieceIndex)) {
      this.#allowedFastBytes.set(pieceIndex, ALLOWED_FAST_REPEAT_MAX * pieceBytes);
    }
  }

  /** What is wrong with a request, if anything. `pieces` is undefined while we know no metadata, and serve nothing. */
  judge(
    pieceIndex: number,
    begin: number,
    length: number,
    pieces: PieceSizes | undefined,
    amChoking: boolean,
  ): Violation | undefined {
    const isInRange =
      pieces !== undefined &&
      pieceIndex < pieces.pieceCount &&
      length > 0 &&
      length <= BLOCK_BYTES &&
      begin + length <= pieces.bytesOfPiece(pieceIndex);
    if (!isInRange) return this.#refuse('WIRE_REQUEST_INVALID');
    if (!amChoking) return undefined;
    const grantedBytes = this.#allowedFastBytes.get(pieceIndex) ?? 0;
    if (grantedBytes >= length) {
      this.#allowedFastBytes.set(pieceIndex, grantedBytes - length);
      return undefined;
    }
    if (this.#underWayCount > 0) {
      this.#underWayCount--;
      return violationOf('WIRE_REQUEST_CHOKED');
    }
    return this.#refuse('WIRE_REQUEST_CHOKED');
  }

  /** Counts a request that is refused for the peer's fault; a violation when that was one too many. */
  countInvalid(): Violation | undefined {
    this.#invalidCount++;
    return this.#invalidCount > INVALID_REQUESTS_MAX ? violationOf('WIRE_REQUESTS_TOO_MANY_INVALID') : undefined;
  }

  #refuse(code: ViolationCode): Violation {
    return this.countInvalid() ?? violationOf(code);
  }
}
