// The engine's world on Node.js, in one value. Threads and sockets come into being when they are first used.
import { resolve } from 'node:path';
import type { Disk } from '../platform/disk.ts';
import type { Log } from '../platform/log.ts';
import type { Platform } from '../platform/platform.ts';
import { nodeDisk } from './disk/node-disk.ts';
import { NodeHttp } from './http/node-http.ts';
import { NodeNetwork } from './net/node-network.ts';
import { NodeResolver } from './resolver/node-resolver.ts';
import { copyBytes } from './system/copy-bytes.ts';
import { NodeClock } from './system/node-clock.ts';
import { NodeCrypto } from './system/node-crypto.ts';
import { SILENT_LOG } from './system/node-log.ts';

/** A platform of its own for one session: closing the session closes its disk. */
export function nodePlatform(log: Log = SILENT_LOG, disk: Disk = nodeDisk()): Platform {
  return {
    clock: new NodeClock(log),
    network: new NodeNetwork(log),
    resolver: new NodeResolver(log),
    http: new NodeHttp({ log }),
    disk,
    crypto: new NodeCrypto(),
    log,
    copyBytes,
    resolvePath: (path) => resolve(path),
  };
}
