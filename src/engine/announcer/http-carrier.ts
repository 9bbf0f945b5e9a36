// Announces over HTTP and HTTPS: one bounded GET each.
import type { Http, HttpResponse } from '../../platform/http.ts';
import { HTTP_REDIRECTS_MAX, TRACKER_REPLY_MAX_BYTES } from '../../protocol/limits.ts';
import { cleanTrackerText } from '../../protocol/tracker/announce.ts';
import { buildAnnounceUrl, decodeAnnounceReply } from '../../protocol/tracker/http-announce.ts';
import type { AnnounceCarrier, AnnounceJob, AnnounceJobHandler } from './announce-carrier.ts';

export interface HttpCarrierOptions {
  readonly http: Http;
  readonly userAgent: string;
  readonly localAddress?: string | undefined;
}

export class HttpCarrier implements AnnounceCarrier {
  readonly #options: HttpCarrierOptions;

  constructor(options: HttpCarrierOptions) {
    this.#options = options;
  }

  announce(job: AnnounceJob, handler: AnnounceJobHandler): { cancel(): void } {
    return this.#options.http.get(
      {
        url: buildAnnounceUrl(job.url, job.request),
        headers: { 'user-agent': this.#options.userAgent },
        totalTimeoutMs: job.timeoutMs,
        maxBodyBytes: TRACKER_REPLY_MAX_BYTES,
        maxRedirects: HTTP_REDIRECTS_MAX,
        localAddress: this.#options.localAddress,
      },
      {
        handleResponse: (response) => handleHttpResponse(response, handler),
        handleFailed: (error) => handler.handleFailed({ message: cleanTrackerText(error.message) }),
      },
    );
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
