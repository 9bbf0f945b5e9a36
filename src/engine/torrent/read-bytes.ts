// The public edge of a reader: its callbacks as an iterable of bytes, for programs.
import type { FileReader, ReadResult } from './file-reader.ts';

/** Ends the reader with the iteration, however that ends. @throws {SessionError}; `signal.reason` when it aborts. */
export async function* readBytes(reader: FileReader, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      const result = await nextResult(reader, signal);
      if (result.type === 'end') return;
      if (result.type === 'failed') throw result.error;
      yield result.bytes;
    }
  } finally {
    reader.close();
  }
}

function nextResult(reader: FileReader, signal: AbortSignal | undefined): Promise<ReadResult> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => reject(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    reader.next((result) => {
      signal?.removeEventListener('abort', onAbort);
      resolve(result);
    });
  });
}
