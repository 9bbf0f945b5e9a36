// All that the engine needs from the world, in one value.
import type { Clock } from './clock.ts';
import type { Crypto } from './crypto.ts';
import type { Disk } from './disk.ts';
import type { Http } from './http.ts';
import type { Log } from './log.ts';
import type { Network } from './network.ts';
import type { Resolver } from './resolver.ts';

export interface Platform {
  readonly clock: Clock;
  readonly network: Network;
  readonly resolver: Resolver;
  readonly http: Http;
  readonly disk: Disk;
  readonly crypto: Crypto;
  readonly log: Log;
  /** Copies `source[start..end)` to `target` from `offset` on; the fastest way into the disk's kind of memory. */
  copyBytes(target: Uint8Array, offset: number, source: Uint8Array, start: number, end: number): void;
  /** Turns a user's path into the absolute path that `StorageSpec.rootPath` wants. */
  resolvePath(path: string): string;
}
