// Durations as a user writes them: `90s`, `2h30m`, `1d`, `1.5h`; a bare number is seconds.
import { InvalidArgumentError } from 'commander';

const UNIT_MS: Readonly<Record<string, number>> = {
  w: 604_800_000,
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
};
const PART = /(\d+(?:\.\d+)?|\.\d+)\s*(ms|[wdhms])\s*/gy;

/** Milliseconds. */
export function parseDuration(text: string): number {
  const trimmed = text.trim().toLowerCase();
  if (/^(\d+(\.\d+)?|\.\d+)$/.test(trimmed)) return Number(trimmed) * 1_000;
  const problem = new InvalidArgumentError('That is not a duration; write it as 90s, 2h30m or 1d.');
  if (trimmed === '') throw problem;
  let durationMs = 0;
  let smallestMs = Number.POSITIVE_INFINITY;
  PART.lastIndex = 0;
  while (PART.lastIndex < trimmed.length) {
    const match = PART.exec(trimmed);
    if (match === null) throw problem;
    const unitMs = UNIT_MS[match[2]!]!;
    // Units fall from large to small, each once: `30m2h` and `1h1h` are slips of the pen.
    if (unitMs >= smallestMs) throw problem;
    smallestMs = unitMs;
    durationMs += Number(match[1]) * unitMs;
  }
  return durationMs;
}
