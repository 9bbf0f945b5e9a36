// Announces and scrapes over UDP: looks the tracker's name up and asks one address of each family, so that peers of both are found
// (BEP 15, "IPv6"; BEP 7, "Tracker Hostname Resolution"). One of these belongs to each torrent.
import type { Clock } from '../../platform/clock.ts';
import type { Resolver } from '../../platform/resolver.ts';
import type { AnnounceResponse } from '../../protocol/tracker/announce.ts';
import { familyOf, normalizeIpAddress } from '../../protocol/tracker/ip-address.ts';
import { parseTrackerUrl, type TrackerUrl } from '../../protocol/tracker/tracker-url.ts';
import type {
  AnnounceCarrier,
  AnnounceJob,
  AnnounceJobHandler,
  ScrapeJob,
  ScrapeJobHandler,
} from './announce-carrier.ts';
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
    // Leave is taken of the addresses that know us, without another look-up.
    const url = parseTrackerUrl(job.url);
    const known = job.request.event === 'stopped' ? this.#answered.get(job.url) : undefined;
    if (url !== undefined && known !== undefined && known.size > 0) {
      return cancelAll(this.#ask([...known], url, job, handler));
    }
    return this.#find(job, {
      handleFound: (addresses, found, timeoutMs) => this.#ask(addresses, found, { ...job, timeoutMs }, handler),
      handleFailed: (message) => handler.handleFailed({ message }),
    });
  }

  scrape(job: ScrapeJob, handler: ScrapeJobHandler): { cancel(): void } {
    return this.#find(
      { ...job, failureCount: 0 },
      {
        handleFound: (addresses, { port }, timeoutMs) =>
          this.#scrapeFirst(addresses, port, { ...job, timeoutMs }, handler),
        handleFailed: (message) => handler.handleFailed(message),
      },
    );
  }

  /** Looks the tracker's name up, within the time of the job. */
  #find(
    job: { readonly url: string; readonly failureCount: number; readonly timeoutMs: number },
    handler: {
      /** What is begun then, to be cancelled with the job. */
      handleFound(addresses: readonly string[], url: TrackerUrl, timeoutMs: number): readonly { cancel(): void }[];
      handleFailed(message: string): void;
    },
  ): { cancel(): void } {
    const { clock, resolver } = this.#options;
    const url = parseTrackerUrl(job.url);
    const parts: { cancel(): void }[] = []; // BOUNDED: timer, look-up and one exchange a family
    const cancel = (): void => {
      for (const part of parts.splice(0)) part.cancel();
    };
    const fail = (message: string): void => {
      cancel();
      handler.handleFailed(message);
    };
    const nowMs = clock.nowMs();
    if (url === undefined) {
      parts.push(clock.schedule(nowMs, () => fail('The URL is not valid.')));
      return { cancel };
    }
    const endsAtMs = nowMs + job.timeoutMs;
    parts.push(clock.schedule(endsAtMs, () => fail('The host name was not found in time.')));
    parts.push(
      resolver.resolve(url.hostname, {
        handleResolved: (addresses) => {
          cancel();
          const asked = this.#chooseAddresses(addresses, job.failureCount);
          if (asked.length === 0) handler.handleFailed('The tracker has no address that we can reach.');
          else parts.push(...handler.handleFound(asked, url, Math.max(0, endsAtMs - clock.nowMs())));
        },
        handleFailed: (message) => fail(message),
      }),
    );
    return { cancel };
  }

  /** Both families count the same swarm: the first answer is enough. */
  #scrapeFirst(
    addresses: readonly string[],
    port: number,
    { infoHashes, timeoutMs }: ScrapeJob,
    handler: ScrapeJobHandler,
  ): readonly { cancel(): void }[] {
    let pendingCount = addresses.length;
    let failure: { message: string; isRefusal: boolean } | undefined;
    const parts = addresses.map((address) =>
      this.#options.client.scrape(
        { remote: { address, port }, infoHashes, timeoutMs },
        {
          handleResponse: (counts) => {
            for (const part of parts) part.cancel();
            handler.handleCounts(counts);
          },
          handleFailed: (message, isRefusal) => {
            if (failure === undefined || isRefusal) failure = { message, isRefusal };
            if (--pendingCount === 0) handler.handleFailed(failure.message);
          },
        },
      ),
    );
    return parts;
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

function cancelAll(parts: readonly { cancel(): void }[]): { cancel(): void } {
  return {
    cancel: () => {
      for (const part of parts) part.cancel();
    },
  };
}
