// Compares what was received with what was shared, byte by byte.
import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

const CHUNK_BYTES = 4 * 1024 * 1024;
const left = Buffer.allocUnsafe(CHUNK_BYTES);
const right = Buffer.allocUnsafe(CHUNK_BYTES);

/**
 * Every file under `original` (or that file itself) stands with the same bytes under `received`.
 * @throws Error naming the first file that is missing or differs.
 */
export function compareContent(original: string, received: string): void {
  if (statSync(original).isDirectory()) {
    for (const name of readdirSync(original)) compareContent(join(original, name), join(received, name));
    return;
  }
  const files = [openSync(original, 'r'), openSync(received, 'r')] as const;
  try {
    const [length, receivedLength] = files.map((file) => fstatSync(file).size);
    if (length !== receivedLength) throw new Error(`${received} has ${receivedLength} bytes instead of ${length}`);
    for (let offset = 0; offset < length!; offset += CHUNK_BYTES) {
      const count = readSync(files[0], left, 0, CHUNK_BYTES, offset);
      readSync(files[1], right, 0, CHUNK_BYTES, offset);
      if (left.compare(right, 0, count, 0, count) !== 0) throw new Error(`${received} has different bytes`);
    }
  } finally {
    for (const file of files) closeSync(file);
  }
}
