// SIGINT, SIGTERM and SIGHUP: the first asks for an orderly end, the second ends the process at once.

const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** Why a wait ended: the user wants the command to stop. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** `lastWords` runs before the process ends at the second signal; it must not wait for anything. */
export function catchSignals(lastWords: () => void): AbortSignal {
  const controller = new AbortController();
  for (const [name, exitCode] of Object.entries(EXIT_CODES)) {
    process.on(name, () => {
      if (!controller.signal.aborted) {
        controller.abort(new Interrupted(name));
        return;
      }
      lastWords();
      process.exit(exitCode);
    });
  }
  return controller.signal;
}
