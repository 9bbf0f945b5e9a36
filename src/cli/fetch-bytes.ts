// GET of a .torrent file by URL. Any address may be asked: the user typed the URL.
import { NodeHttp } from '../node/http/node-http.ts';
import type { HttpErrorCode, HttpResponse } from '../platform/http.ts';
import { CliFailure, EXIT } from './exit-code.ts';
import { cleanText } from './output/clean-text.ts';

const FETCH_TIMEOUT_MS = 60_000;
const REDIRECTS_MAX = 5;
const LABEL_MAX_CHARACTERS = 120;

/** @throws {CliFailure} `METAINFO_INVALID` when it is too large, `NETWORK_FAILED` for everything else. */
export async function fetchBytes(
  url: string,
  options: { readonly maxBytes: number; readonly signal: AbortSignal },
): Promise<Uint8Array> {
  const response = await get(url, options.maxBytes, options.signal);
  if (response.status === 200) return response.body;
  throw networkFailure(`${labelOf(url)} answered with HTTP status ${response.status}; check the URL.`);
}

function get(url: string, maxBodyBytes: number, signal: AbortSignal): Promise<HttpResponse> {
  const http = new NodeHttp({ log: { write: () => {} } });
  return new Promise((resolve, reject) => {
    const request = http.get(
      { url, headers: {}, totalTimeoutMs: FETCH_TIMEOUT_MS, maxBodyBytes, maxRedirects: REDIRECTS_MAX },
      {
        handleResponse: resolve,
        handleFailed: ({ code, message }) => reject(failureOf(url, code, message)),
      },
    );
    const cancel = (): void => {
      request.cancel();
      reject(signal.reason);
    };
    if (signal.aborted) cancel();
    else signal.addEventListener('abort', cancel, { once: true });
  });
}

function failureOf(url: string, code: HttpErrorCode, message: string): CliFailure {
  if (code === 'TOO_LARGE') {
    return new CliFailure(
      'METAINFO_INVALID',
      EXIT.invalidTorrent,
      `${labelOf(url)} is larger than any .torrent file may be; check that it is one.`,
    );
  }
  const cause = message.replace(/[.\s]+$/, '');
  return networkFailure(`${labelOf(url)} could not be fetched: ${cause}; check the URL and your connection.`);
}

function networkFailure(message: string): CliFailure {
  return new CliFailure('NETWORK_FAILED', EXIT.network, message);
}

/** Without what may be a secret: user, password and query. */
function labelOf(url: string): string {
  const bare = url.replace(/[?#].*$/s, '').replace(/\/\/[^/@]*@/, '//');
  return cleanText(bare, LABEL_MAX_CHARACTERS);
}
