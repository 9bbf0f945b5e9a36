// What the reports of a link say about one transfer over it: how long it took, how fast it ran, how soon. Pure arithmetic.

/** Counts since the emulator's start. */
export interface LinkReport {
  /** Of the monotonic clock. */
  readonly atMs: number;
  readonly toNearBytes: number;
  readonly toFarBytes: number;
  readonly droppedToNear: number;
}

export interface TransferFigures {
  /** From the first packet of the near host to the end. */
  readonly seconds: number;
  readonly megabytesPerSecond: number;
  /** The link's bytes per second, headers included, from `STEADY_FROM_MS` after the first block to the end; NaN when it was over by then. */
  readonly steadyLinkRate: number;
  /** Bytes on the link towards the near host for each byte of payload. */
  readonly linkBytesPerByte: number;
  readonly droppedPackets: number;
}

/** More than handshakes and bitfields: the first block has come. */
const FIRST_BLOCK_BYTES = 16 * 1024;
const STEADY_FROM_MS = 3_000;
/** A rate is taken over this time at least, and over two round trips: bursts shorter than that are no rate. */
const WINDOW_MIN_MS = 500;

/** Bytes towards the near host until `atMs`, between reports by straight line. */
function bytesAt(reports: readonly LinkReport[], atMs: number): number {
  let low = 0;
  let high = reports.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (reports[middle]!.atMs <= atMs) low = middle + 1;
    else high = middle;
  }
  const before = reports[low - 1];
  const after = reports[low];
  if (before === undefined) return reports[0]?.toNearBytes ?? 0;
  if (after === undefined) return before.toNearBytes;
  const share = (atMs - before.atMs) / (after.atMs - before.atMs);
  return before.toNearBytes + share * (after.toNearBytes - before.toNearBytes);
}

function firstBlockMs(reports: readonly LinkReport[]): number {
  const base = reports[0]?.toNearBytes ?? 0;
  return reports.find(({ toNearBytes }) => toNearBytes - base >= FIRST_BLOCK_BYTES)?.atMs ?? Number.NaN;
}

/** `reports`: the last one before the transfer, then those of the transfer. `endMs`: when the near host had everything. */
export function figuresOf(
  reports: readonly LinkReport[],
  transfer: { readonly endMs: number; readonly payloadBytes: number; readonly roundTripMs: number },
): TransferFigures {
  const { endMs, payloadBytes, roundTripMs } = transfer;
  const [base] = reports;
  const last = reports.at(-1);
  const first = reports.find(({ toFarBytes }) => toFarBytes > (base?.toFarBytes ?? 0));
  if (base === undefined || last === undefined || first === undefined) throw new Error('nothing passed over the link');
  // It is counted when it arrives.
  const startMs = first.atMs - roundTripMs / 2;
  const seconds = (endMs - startMs) / 1000;
  const steadyMs = firstBlockMs(reports) + STEADY_FROM_MS;
  const steadyBytes = bytesAt(reports, endMs) - bytesAt(reports, steadyMs);
  return {
    seconds,
    megabytesPerSecond: payloadBytes / 1e6 / seconds,
    steadyLinkRate: endMs - steadyMs >= WINDOW_MIN_MS ? (steadyBytes * 1000) / (endMs - steadyMs) : Number.NaN,
    linkBytesPerByte: (last.toNearBytes - base.toNearBytes) / payloadBytes,
    droppedPackets: last.droppedToNear - base.droppedToNear,
  };
}

/** Seconds from the first block until a window begins whose rate is at least `linkRate`; Infinity when none does. */
export function secondsToReach(
  reports: readonly LinkReport[],
  linkRate: number,
  transfer: { readonly endMs: number; readonly roundTripMs: number },
): number {
  const windowMs = Math.max(WINDOW_MIN_MS, 2 * transfer.roundTripMs);
  const firstMs = firstBlockMs(reports);
  for (const { atMs } of reports) {
    if (atMs < firstMs || atMs + windowMs > transfer.endMs) continue;
    const rate = ((bytesAt(reports, atMs + windowMs) - bytesAt(reports, atMs)) * 1000) / windowMs;
    if (rate >= linkRate) return (atMs - firstMs) / 1000;
  }
  return Number.POSITIVE_INFINITY;
}
