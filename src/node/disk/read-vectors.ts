// Reads consecutive bytes of an open file into several targets, without blocking.
import { readv } from 'node:fs';

/** What one system call takes (IOV_MAX). */
const VECTORS_MAX = 1024;

/** Answers how many bytes were read: fewer than the targets hold only when the file ends. */
export function readVectors(
  fd: number,
  targets: readonly Uint8Array[],
  fileOffset: number,
  onDone: (error: Error | undefined, bytesRead: number) => void,
): void {
  let left = targets;
  let doneBytes = 0;
  const step = (): void => {
    const now = left.length > VECTORS_MAX ? left.slice(0, VECTORS_MAX) : left;
    readv(fd, now, fileOffset + doneBytes, (error, count) => {
      if (error !== null || count === 0) {
        onDone(error ?? undefined, doneBytes);
        return;
      }
      doneBytes += count;
      left = withoutFirst(left, count);
      if (left.length === 0) onDone(undefined, doneBytes);
      else step();
    });
  };
  step();
}

/** The targets that remain when so many bytes are filled. */
export function withoutFirst(targets: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let index = 0;
  let rest = bytes;
  while (index < targets.length && rest >= targets[index]!.length) {
    rest -= targets[index]!.length;
    index++;
  }
  if (index === targets.length) return [];
  const left = targets.slice(index);
  if (rest > 0) left[0] = left[0]!.subarray(rest);
  return left;
}

/** The targets' first bytes, so many of them. */
export function onlyFirst(targets: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  const first: Uint8Array[] = [];
  let rest = bytes;
  for (const target of targets) {
    if (rest === 0) break;
    const part = target.length <= rest ? target : target.subarray(0, rest);
    first.push(part);
    rest -= part.length;
  }
  return first;
}
