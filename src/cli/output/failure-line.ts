// A failure on stderr.
import type { OutputStream } from '../context.ts';
import type { Failure } from '../exit-code.ts';
import { cleanText } from './clean-text.ts';

/** Prints a failure as one sentence; the stack only for those who asked twice. */
export function writeFailure(stream: OutputStream, failure: Failure, verbosity: number): void {
  stream.write(`millrace: ${failure.message}\n`);
  if (verbosity >= 2 && failure.stack !== undefined) {
    for (const line of failure.stack.split('\n')) stream.write(`${cleanText(line)}\n`);
  }
}
