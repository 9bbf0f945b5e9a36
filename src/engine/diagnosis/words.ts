// Numbers and lists inside the sentences of a diagnosis. English only, no punctuation at the end.

/** `1 peer`, `3 peers`. */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listOf(parts: readonly string[]): string {
  return parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

/** `60 kB/s`, as the limits of the command line are written. */
export function rateOf(bytesPerSecond: number): string {
  if (bytesPerSecond >= 1e6) return `${shortened(bytesPerSecond / 1e6)} MB/s`;
  if (bytesPerSecond >= 1e3) return `${shortened(bytesPerSecond / 1e3)} kB/s`;
  return `${shortened(bytesPerSecond)} B/s`;
}

/** `40 s`, `3 min`. */
export function timeOf(milliseconds: number): string {
  const seconds = Math.ceil(Math.max(0, milliseconds) / 1_000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

function shortened(value: number): string {
  return String(Math.round(value * 10) / 10);
}
