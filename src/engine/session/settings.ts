// A session's options, checked once and frozen. Everything inside the engine reads these and never the options.
import { CONNECTIONS_MAX } from '../../protocol/limits.ts';
import { SEEDING_CHOKERS, type SeedingChoker } from '../../swarm/choking/choker-peer.ts';
import type { RateLimitOptions, SessionOptions } from '../api.ts';
import { parseHostPort } from '../host-port.ts';

/** Shown to peers and trackers; the package's version. */
export const VERSION = '0.1.0';

export interface Settings {
  /** Undefined: 6881, or the next free one. */
  readonly listenPort: number | undefined;
  readonly bind: string | undefined;
  readonly maxDownloadBytesPerSecond: number;
  readonly maxUploadBytesPerSecond: number;
  readonly limitLocalPeers: boolean;
  readonly trackers: boolean;
  readonly tcp: boolean;
  readonly dht: boolean;
  readonly dhtBootstrap: readonly string[];
  readonly dhtReadOnly: boolean;
  readonly pex: boolean;
  readonly localDiscovery: boolean;
  readonly portMapping: boolean;
  readonly userAgent: string;
  readonly connectionsMax: number;
  readonly seedingChoker: SeedingChoker;
}

/** @throws {RangeError} a number outside its range. */
export function resolveSettings(options: SessionOptions): Settings {
  const { listenPort } = options;
  if (listenPort !== undefined && (!Number.isInteger(listenPort) || listenPort < 0 || listenPort > 65_535)) {
    throw new RangeError(`listenPort must be a whole number from 0 to 65535, not ${listenPort}`);
  }
  const connectionsMax = options.connectionsMax ?? CONNECTIONS_MAX;
  if (!Number.isInteger(connectionsMax) || connectionsMax < 1) {
    throw new RangeError(`connectionsMax must be a whole number of at least 1, not ${connectionsMax}`);
  }
  const seedingChoker = options.seedingChoker ?? 'auto';
  if (!SEEDING_CHOKERS.includes(seedingChoker)) {
    throw new RangeError(`seedingChoker must be one of ${SEEDING_CHOKERS.join(', ')}, not ${String(seedingChoker)}`);
  }
  return Object.freeze({
    listenPort,
    bind: options.bind,
    maxDownloadBytesPerSecond: resolveRate('maxDownloadBytesPerSecond', options.maxDownloadBytesPerSecond),
    maxUploadBytesPerSecond: resolveRate('maxUploadBytesPerSecond', options.maxUploadBytesPerSecond),
    limitLocalPeers: options.limitLocalPeers ?? true,
    trackers: options.trackers ?? true,
    tcp: options.tcp ?? true,
    // The engine alone knows no host of the Internet: who composes it with a real network says where to begin.
    dht: options.dht ?? false,
    dhtBootstrap: resolveHosts('dhtBootstrap', options.dhtBootstrap),
    dhtReadOnly: options.dhtReadOnly ?? false,
    pex: options.pex ?? true,
    localDiscovery: options.localDiscovery ?? true,
    portMapping: options.portMapping ?? true,
    userAgent: options.userAgent ?? `Millrace/${VERSION}`,
    connectionsMax,
    seedingChoker,
  });
}

export interface Rates {
  readonly downloadBytesPerSecond: number;
  readonly uploadBytesPerSecond: number;
}

/** @throws {RangeError} a rate that is not above 0. */
export function resolveRates({ maxDownloadBytesPerSecond, maxUploadBytesPerSecond }: RateLimitOptions): Rates {
  return {
    downloadBytesPerSecond: resolveRate('maxDownloadBytesPerSecond', maxDownloadBytesPerSecond),
    uploadBytesPerSecond: resolveRate('maxUploadBytesPerSecond', maxUploadBytesPerSecond),
  };
}

/** @throws {RangeError} no `host:port`. */
function resolveHosts(name: string, hosts: readonly string[] | undefined): readonly string[] {
  for (const host of hosts ?? []) {
    if (parseHostPort(host) === undefined) throw new RangeError(`${name} must be host:port, not ${host}`);
  }
  return [...(hosts ?? [])];
}

/** Bytes per second; absent = without limit. @throws {RangeError} not above 0. */
export function resolveRate(name: string, value: number | undefined): number {
  if (value === undefined) return Number.POSITIVE_INFINITY;
  if (!(value > 0)) throw new RangeError(`${name} must be above 0, not ${value}`);
  return value;
}
