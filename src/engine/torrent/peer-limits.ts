// Which limits a connected peer is under besides those of the session and the torrent, and whether it is under those: the
// user's limits for single addresses, and the exemption of the local network.
import { isPublic } from '../../swarm/dial-address.ts';
import { RateLimiter } from '../../swarm/rate-limiter.ts';
import type { PeerLimitOptions } from '../api.ts';
import type { EngineContext } from '../session/engine-context.ts';
import { type Rates, resolveRates } from '../session/settings.ts';
import { TransferGate } from '../transfer-gate.ts';

/** Undefined: the torrent's own gate. */
export interface PeerGates {
  readonly download: TransferGate | undefined;
  readonly upload: TransferGate | undefined;
}

const NO_RATES: Rates = {
  downloadBytesPerSecond: Number.POSITIVE_INFINITY,
  uploadBytesPerSecond: Number.POSITIVE_INFINITY,
};

export class PeerLimits {
  readonly #context: EngineContext;
  /** By address. BOUNDED: what the user sets. */
  #rates: Map<string, Rates> | undefined;

  constructor(context: EngineContext) {
    this.#context = context;
  }

  /** @throws {RangeError} a rate that is not above 0. */
  set(address: string, limits: PeerLimitOptions): void {
    const rates = resolveRates(limits);
    this.#rates ??= new Map();
    this.#rates.set(address, rates);
  }

  /** For one connection. `torrent`: the gates of all its peers. */
  gatesFor(address: string, torrent: { readonly download: TransferGate; readonly upload: TransferGate }): PeerGates {
    const isExempt = !this.#context.settings.limitLocalPeers && !isPublic(address);
    const { downloadBytesPerSecond, uploadBytesPerSecond } = this.#rates?.get(address) ?? NO_RATES;
    return {
      download: this.#gate(downloadBytesPerSecond, isExempt ? undefined : torrent.download),
      upload: this.#gate(uploadBytesPerSecond, isExempt ? undefined : torrent.upload),
    };
  }

  #gate(bytesPerSecond: number, above: TransferGate | undefined): TransferGate | undefined {
    if (bytesPerSecond === Number.POSITIVE_INFINITY && above !== undefined) return undefined;
    const { deadlines, platform } = this.#context;
    return new TransferGate(new RateLimiter(bytesPerSecond, platform.clock.nowMs()), deadlines, above);
  }
}
