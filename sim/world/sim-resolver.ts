// Host names in a simulated world: one table for all hosts, and a resolver that answers after a while.
import type { Clock } from '../../src/platform/clock.ts';
import type { Resolver, ResolverHandler } from '../../src/platform/resolver.ts';

const ANSWER_AFTER_MS = 15;

export class SimNames {
  readonly #addresses = new Map<string, readonly string[]>();
  /** No name resolves while this is set; literals do. */
  isDown = false;

  set(hostname: string, addresses: readonly string[]): void {
    this.#addresses.set(hostname, addresses);
  }

  lookUp(hostname: string): readonly string[] | undefined {
    const bare = hostname.replace(/^\[(.*)\]$/, '$1');
    if (bare.includes(':') || /^\d+\.\d+\.\d+\.\d+$/.test(bare)) return [bare];
    return this.isDown ? undefined : this.#addresses.get(hostname);
  }
}

export class SimResolver implements Resolver {
  readonly #clock: Clock;
  readonly #names: SimNames;

  constructor(clock: Clock, names: SimNames) {
    this.#clock = clock;
    this.#names = names;
  }

  resolve(hostname: string, handler: ResolverHandler): { cancel(): void } {
    return this.#clock.schedule(this.#clock.nowMs() + ANSWER_AFTER_MS, () => {
      const addresses = this.#names.lookUp(hostname);
      if (addresses === undefined) handler.handleFailed(`${hostname} has no address`);
      else handler.handleResolved(addresses);
    });
  }
}
