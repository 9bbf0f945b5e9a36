// What one test of `millrace doctor` found, and how it is printed.
import type { OutputStream } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { cleanText, toSafeJson } from '../output/clean-text.ts';

/** Names of the tests, in their order. They are part of the `--json` contract. */
export type TestName = 'tcp' | 'udp' | 'router' | 'dns' | 'trackers' | 'dht' | 'disk' | 'clock';

export interface Finding {
  readonly test: TestName;
  /** `warn`: something works less well than it could; `fail`: a download cannot work; `skipped`: not tested. */
  readonly state: 'ok' | 'warn' | 'fail' | 'skipped';
  /** What is so: a clause without a full stop. */
  readonly message: string;
  /** What to do about it: a clause. Undefined where there is nothing to do. */
  readonly advice?: string;
  /** Of a failure. */
  readonly exitCode?: ExitCode;
}

const TEXT_MAX_CHARACTERS = 500;
const MARKS = { ok: 'ok', warn: 'warn', fail: 'FAIL', skipped: '-' } as const;

export function printFinding({ test, state, message, advice }: Finding, isJson: boolean, stdout: OutputStream): void {
  if (isJson) {
    stdout.write(`${toSafeJson({ test, state, message, advice: advice ?? null })}\n`);
    return;
  }
  const text = cleanText(advice === undefined ? message : `${message}; ${advice}`, TEXT_MAX_CHARACTERS);
  stdout.write(`${MARKS[state].padEnd(5)} ${test.padEnd(9)} ${text}\n`);
}

/** Of the first failure; what the network lacks is no failure. */
export function exitCodeOf(findings: readonly Finding[]): ExitCode {
  const failed = findings.find(({ state }) => state === 'fail');
  return failed === undefined ? EXIT.done : (failed.exitCode ?? EXIT.unexpected);
}

export function skipped(test: TestName, message: string): Finding {
  return { test, state: 'skipped', message };
}
