import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SessionError, type SessionErrorCode } from '../platform/session-error.ts';
import { CliFailure, failureOf, usageFailure } from './exit-code.ts';

test.each<[SessionErrorCode, number]>([
  ['METAINFO_INVALID', 3],
  ['MAGNET_INVALID', 3],
  ['METADATA_NOT_FOUND', 4],
  ['LISTEN_FAILED', 6],
  ['DISK_FULL', 9],
  ['DISK_PERMISSION', 10],
  ['DISK_READ_ONLY', 10],
  ['DISK_PATH_CONFLICT', 10],
  ['DISK_PATH_UNSAFE', 10],
  ['DISK_IO', 1],
  ['INTERNAL_BUG', 1],
])('%s exits with %d', (code, exitCode) => {
  const failure = failureOf(new SessionError(code, 'The cause.'));
  expect(failure).toMatchObject({ code, exitCode });
  // One sentence: the cause, then what to try.
  expect(failure.message).toMatch(/^The cause; [^.]+.*\.$/);
});

test('a cause that says what to try gets no second advice', () => {
  const failure = failureOf(new SessionError('LISTEN_FAILED', 'Port 1 is taken; stop what listens there.'));
  expect(failure.message).toBe('Port 1 is taken; stop what listens there.');
});

test('failures of the command line keep their code and sentence', () => {
  expect(failureOf(usageFailure('Wrong; do this.'))).toMatchObject({
    code: 'USAGE',
    exitCode: 2,
    message: 'Wrong; do this.',
  });
  expect(failureOf(new CliFailure('TIMED_OUT', 5, 'Late.')).exitCode).toBe(5);
});

test('errors of the file system become path or disk-full', () => {
  let thrown: unknown;
  try {
    readFileSync('/nonexistent/file');
  } catch (error) {
    thrown = error;
  }
  expect(failureOf(thrown)).toMatchObject({ code: 'PATH', exitCode: 10 });
  expect(failureOf(Object.assign(new Error('no space'), { code: 'ENOSPC' })).exitCode).toBe(9);
});

test('anything else is unexpected, in one line without control characters', () => {
  expect(failureOf(new Error('a\nb\u001b[31mc'))).toMatchObject({
    code: 'UNEXPECTED',
    exitCode: 1,
    message: 'Something unexpected happened: a bc; please report it, with the output of -vv.',
  });
  expect(failureOf('text').exitCode).toBe(1);
  expect(failureOf(undefined).exitCode).toBe(1);
});
