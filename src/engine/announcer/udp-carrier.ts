// Announces over UDP: looks the tracker's name up and asks one address of each family, so that peers of both are found
// (BEP 15, "IPv6"; BEP 7, "Tracker Hostname Resolution"). One of these belongs to each torrent.
import type { Clock } from '../../platform/clock.ts';
import type { Resolver } from '../../platform/resolver.ts';
import type { AnnounceResponse } from '../../protocol/tracker/announce.ts';
import { familyOf, normalizeIpAddress } from '../../protocol/tracker/ip-address.ts';
import { parseTrackerUrl, type TrackerUrl } from '../../protocol/tracker/tracker-url.ts';
import type { AnnounceCarrier, AnnounceJob, AnnounceJobHandler } from './announce-carrier.ts';
import type { UdpTrackerClient } from './udp-tracker-client.ts';

export interface UdpCarrierOptions {
  readonly clock: Clock;
  readonly resolver: Resolver;
  readonly client: UdpTrackerClient;
}

export class UdpCarrier implements AnnounceCarrier {
  readonly #options: UdpCarrierOptions;
  /** URL → addresses that have answered: these are told `stopped`. BOUNDED: the torrent's trackers, two each */
  readonly #answered = new Map<string, Set<string>>();

  constructor(options: UdpCarrierOptions) {
    this.#options = options;
  }

  announce(job: AnnounceJob, handler: AnnounceJobHandler): { cancel(): void } {
    const { clock, resolver } = this.#options;
    const url = parseTrackerUrl(job.url);
    const parts: { cancel(): void }[] = []; // BOUNDED: timer, look-up and one exchange a family
    const cancel = (): void => {
      for (const part of parts.splice(0)) part.cancel();
    };
    const fail = (message: string): void => {
      cancel();
      handler.handleFailed({ message });
    };
    const nowMs = clock.nowMs();
    if (url === undefined) {
      parts.push(clock.schedule(nowMs, () => fail('The URL is not valid.')));
      return { cancel };
    }
    // Leave is taken of the addresses that know us, without another look-up.
    const known = job.request.event === 'stopped' ? this.#answered.get(job.url) : undefined;
    if (known !== undefined && known.size > 0) {
      parts.push(...this.#ask([...known], url, job, handler));
      return { cancel };
    }
    const endsAtMs = nowMs + job.timeoutMs;
    parts.push(clock.schedule(endsAtMs, () => fail('The host name was not found in time.')));
    parts.push(
      resolver.resolve(url.hostname, {
        handleResolved: (addresses) => {
          cancel();
          const asked = this.#chooseAddresses(addresses, job.failureCount);
          const rest = { ...job, timeoutMs: Math.max(0, endsAtMs - clock.nowMs()) };
          if (asked.length === 0) handler.handleFailed({ message: 'The tracker has no address that we can reach.' });
          else parts.push(...this.#ask(asked, url, rest, handler));
        },
        handleFailed: (message) => fail(message),
      }),
    );
    return { cancel };
  }

  /** One address of each family that can be reached; after failures the next one's turn comes. */
  #chooseAddresses(addresses: readonly string[], failureCount: number): string[] {
    const literals = addresses.map((address) => normalizeIpAddress(address)).filter((address) => address !== undefined);
    const reachable = [...new Set(literals)].filter((address) => this.#options.client.canReach(address));
    return ([4, 6] as const).flatMap((family) => {
      const candidates = reachable.filter((address) => familyOf(address) === family);
      const chosen = candidates[failureCount % Math.max(1, candidates.length)];
      return chosen === undefined ? [] : [chosen];
    });
  }

  #ask(
    addresses: readonly string[],
    url: TrackerUrl,
    job: AnnounceJob,
    handler: AnnounceJobHandler,
  ): { cancel(): void }[] {
    const isStop = job.request.event === 'stopped';
    let pendingCount = addresses.length;
    let lastResponse: AnnounceResponse | undefined;
    let failure: { message: string; isRefusal: boolean } | undefined;
    const finishOne = (): void => {
      if (--pendingCount > 0) return;
      if (lastResponse === undefined) {
        handler.handleFailed({ message: failure?.message ?? 'The tracker does not answer.' });
        return;
      }
      // Leave has been taken once every address has heard it: after that the sockets may be closed.
      if (isStop) handler.handleResponse(lastResponse);
      handler.handleEnded();
    };
    return addresses.map((address) =>
      this.#options.client.announce(
        {
          remote: { address, port: url.port },
          request: job.request,
          urlData: url.pathAndQuery,
          timeoutMs: job.timeoutMs,
        },
        {
          handleResponse: (response) => {
            lastResponse = response;
            this.#noteAnswer(job.url, address, isStop);
            if (!isStop) handler.handleResponse(response);
            finishOne();
          },
          handleFailed: (message, isRefusal) => {
            // What the tracker says itself is worth more than silence of its other address.
            if (failure === undefined || isRefusal) failure = { message, isRefusal };
            finishOne();
          },
        },
      ),
    );
  }

  #noteAnswer(url: string, address: string, isStop: boolean): void {
    const addresses = this.#answered.get(url) ?? new Set();
    if (isStop) addresses.delete(address);
    else addresses.add(address);
    this.#answered.set(url, addresses);
  }
}
