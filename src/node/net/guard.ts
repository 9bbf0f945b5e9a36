// Every callback that Node calls goes through here, so that a mistake of ours in one of them ends a connection and
// never the process.
import type { Log } from '../../platform/log.ts';

/** Calls `run`; what it throws is logged and given to `onFailure`. */
export function guard(log: Log, name: string, run: () => void, onFailure?: () => void): void {
  try {
    run();
  } catch (error) {
    log.write('error', `internal bug in ${name}: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
    onFailure?.();
  }
}
