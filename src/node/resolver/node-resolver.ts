// Host names to addresses over the system's resolver (dns.lookup), which knows /etc/hosts and the order of families.
import type { Log } from '../../platform/log.ts';
import type { Resolver, ResolverHandler } from '../../platform/resolver.ts';
import { normalizeAddress } from '../net/endpoint.ts';
import { guard } from '../net/guard.ts';

/** Longest name that DNS can hold. */
const HOSTNAME_MAX_CHARACTERS = 253;
/** BOUNDED: addresses kept of one name. */
const ADDRESSES_MAX = 32;

export class NodeResolver implements Resolver {
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  resolve(hostname: string, handler: ResolverHandler): { cancel(): void } {
    let isCancelled = false;
    const answer = (run: () => void): void => {
      if (!isCancelled) guard(this.#log, 'resolver', run);
    };
    const fail = (message: string): void => answer(() => handler.handleFailed(message));
    // Both loaded with the first name: the start of a program does not wait for them.
    if (process.getBuiltinModule('node:net').isIP(hostname) !== 0) {
      setImmediate(() => answer(() => handler.handleResolved([normalizeAddress(hostname)])));
    } else if (hostname === '' || hostname.length > HOSTNAME_MAX_CHARACTERS || /[^\x21-\x7e]/.test(hostname)) {
      setImmediate(() => fail('The host name is not valid.'));
    } else {
      process.getBuiltinModule('node:dns').lookup(hostname, { all: true, verbatim: true }, (error, addresses) => {
        if (error !== null) return fail(describe(error.code));
        const literals = new Set(addresses.map(({ address }) => normalizeAddress(address)));
        if (literals.size === 0) return fail(describe('ENOTFOUND'));
        return answer(() => handler.handleResolved([...literals].slice(0, ADDRESSES_MAX)));
      });
    }
    return {
      cancel: () => {
        isCancelled = true;
      },
    };
  }
}

function describe(code: string | undefined): string {
  if (code === 'ENOTFOUND') return 'The host name is not known.';
  if (code === 'EAI_AGAIN') return 'The name server does not answer.';
  return `The host name could not be looked up (${code ?? 'no reason given'}).`;
}
