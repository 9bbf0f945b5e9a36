// Outgoing HTTP and HTTPS with hard bounds: GET for trackers and for .torrent files by URL, POST for routers.

export type HttpErrorCode =
  | 'URL_REFUSED'
  | 'DNS_FAILED'
  | 'CONNECT_FAILED'
  | 'TIMED_OUT'
  | 'TLS_FAILED'
  | 'TOO_LARGE'
  | 'TOO_MANY_REDIRECTS'
  | 'PROTOCOL_ERROR';

export interface HttpRequest {
  /** http: or https:, nothing else. Sent byte for byte as given (percent-escapes are not normalised). */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** From the call to the last byte of the body. */
  readonly totalTimeoutMs: number;
  /** Of the body, both as received and after decompression (gzip, deflate). */
  readonly maxBodyBytes: number;
  readonly maxRedirects: number;
  /** Source address; the system chooses when absent. */
  readonly localAddress?: string | undefined;
  /** Only addresses of this family, where the host has both. */
  readonly family?: 4 | 6 | undefined;
}

/** Redirects are not followed, whatever `maxRedirects`: the response with the redirect is handed on. */
export interface HttpPost extends HttpRequest {
  /** Not to be changed until the request is over. */
  readonly body: Uint8Array;
}

export interface HttpResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Decompressed. */
  readonly body: Uint8Array;
  /** The address that answered, when known. */
  readonly remoteAddress: string | undefined;
}

export interface HttpHandler {
  handleResponse(response: HttpResponse): void;
  handleFailed(error: { readonly code: HttpErrorCode; readonly message: string }): void;
}

export interface Http {
  /** Never calls back synchronously; not at all after `cancel`. */
  get(request: HttpRequest, handler: HttpHandler): { cancel(): void };
  /** As `get`, with a body. */
  post(request: HttpPost, handler: HttpHandler): { cancel(): void };
}
