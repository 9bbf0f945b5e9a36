import { expect, test, vi } from 'vitest';
import type { Log } from '../../platform/log.ts';
import { NodeResolver } from './node-resolver.ts';

const quiet: Log = { write: () => {} };

function resolve(hostname: string): Promise<readonly string[] | Error> {
  return new Promise((done) => {
    let isSynchronous = true;
    const finish = (value: readonly string[] | Error): void => {
      expect(isSynchronous).toBe(false);
      done(value);
    };
    new NodeResolver(quiet).resolve(hostname, {
      handleResolved: finish,
      handleFailed: (message) => finish(new Error(message)),
    });
    isSynchronous = false;
  });
}

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8::1', '2001:db8::1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
])('the literal %s resolves to itself', async (hostname, expected) => {
  expect(await resolve(hostname)).toEqual([expected]);
});

test('localhost is a loopback address', async () => {
  const addresses = await resolve('localhost');
  expect(Array.isArray(addresses) && addresses.every((address) => /^(127\.|::1$)/.test(address))).toBe(true);
});

test.each(['', 'a'.repeat(254), 'two words', 'nul\u0000', 'name.invalid', 'exämple'])(
  '%j fails with a sentence',
  async (hostname) => {
    const failure = await resolve(hostname);
    expect(failure).toBeInstanceOf(Error);
    expect((failure as Error).message).toMatch(/\.$/);
  },
);

test('nothing is said after cancel', async () => {
  const called = vi.fn();
  const resolver = new NodeResolver(quiet);
  for (const hostname of ['127.0.0.1', 'localhost', '']) {
    resolver.resolve(hostname, { handleResolved: called, handleFailed: called }).cancel();
  }
  await resolve('localhost');
  await resolve('127.0.0.1');
  expect(called).not.toHaveBeenCalled();
});
