// Announces and scrapes over HTTP and HTTPS: one bounded GET each.
import type { Clock } from '../../platform/clock.ts';
import type { Http, HttpHandler, HttpResponse } from '../../platform/http.ts';
import { HTTP_REDIRECTS_MAX, TRACKER_REPLY_MAX_BYTES } from '../../protocol/limits.ts';
import { cleanTrackerText } from '../../protocol/tracker/announce.ts';
import { buildAnnounceUrl, decodeAnnounceReply } from '../../protocol/tracker/http-announce.ts';
import { buildScrapeUrl, decodeScrapeReply } from '../../protocol/tracker/http-scrape.ts';
import type {
  AnnounceCarrier,
  AnnounceJob,
  AnnounceJobHandler,
  ScrapeJob,
  ScrapeJobHandler,
} from './announce-carrier.ts';

export interface HttpCarrierOptions {
  readonly clock: Clock;
  readonly http: Http;
  readonly userAgent: string;
  /** Where requests leave from; undefined: the system's choice. */
  readonly localAddress?: (() => string | undefined) | undefined;
}

export class HttpCarrier implements AnnounceCarrier {
  readonly #options: HttpCarrierOptions;

  constructor(options: HttpCarrierOptions) {
    this.#options = options;
  }

  announce(job: AnnounceJob, handler: AnnounceJobHandler): { cancel(): void } {
    return this.#get(buildAnnounceUrl(job.url, job.request), job.timeoutMs, {
      handleResponse: (response) => handleHttpResponse(response, handler),
      handleFailed: (error) => handler.handleFailed({ message: cleanTrackerText(error.message) }),
    });
  }

  scrape(job: ScrapeJob, handler: ScrapeJobHandler): { cancel(): void } {
    const url = buildScrapeUrl(job.url, job.infoHashes);
    if (url === undefined) {
      const { clock } = this.#options;
      return clock.schedule(clock.nowMs(), () => handler.handleFailed('The tracker offers no scrape.'));
    }
    return this.#get(url, job.timeoutMs, {
      handleResponse: ({ status, body }) => {
        const result = decodeScrapeReply(body, job.infoHashes);
        if (result.ok && status === 200) handler.handleCounts(result.counts);
        else if (!result.ok && (status === 200 || result.failure.kind === 'refused')) {
          handler.handleFailed(result.failure.message);
        } else handler.handleFailed(`The tracker answered with HTTP status ${status}.`);
      },
      handleFailed: (error) => handler.handleFailed(cleanTrackerText(error.message)),
    });
  }

  #get(url: string, timeoutMs: number, handler: HttpHandler): { cancel(): void } {
    const { http, userAgent, localAddress } = this.#options;
    const request = {
      url,
      headers: { 'user-agent': userAgent },
      totalTimeoutMs: timeoutMs,
      maxBodyBytes: TRACKER_REPLY_MAX_BYTES,
      maxRedirects: HTTP_REDIRECTS_MAX,
      localAddress: localAddress?.(),
    };
    return http.get(request, handler);
  }
}

function handleHttpResponse({ status, body }: HttpResponse, handler: AnnounceJobHandler): void {
  const result = decodeAnnounceReply(body);
  if (result.ok && status === 200) {
    handler.handleResponse(result.response);
    handler.handleEnded();
  } else if (!result.ok && (status === 200 || result.failure.kind === 'refused')) {
    // Some trackers send their reason with an error status.
    handler.handleFailed({ message: result.failure.message, retryInMs: result.failure.retryInMs });
  } else handler.handleFailed({ message: `The tracker answered with HTTP status ${status}.` });
}
