// Node's errors of an HTTP exchange as the platform's values.
import type { HttpErrorCode } from '../../platform/http.ts';

export interface HttpError {
  readonly code: HttpErrorCode;
  readonly message: string;
}

const CONNECT_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'ETIMEDOUT',
  'EADDRNOTAVAIL',
  'EADDRINUSE',
  'EAFNOSUPPORT',
  'EINVAL',
  'EACCES',
  'EPERM',
  'EMFILE',
  'ENFILE',
]);
const DNS_CODES: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA', 'ESERVFAIL', 'ERR_INVALID_IP_ADDRESS']);
// Certificate checks report OpenSSL's own names.
const TLS_CODE =
  /^(?:ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|PATH_LENGTH_|HOSTNAME_MISMATCH|EPROTO$)/;

/** What an error of Node's means; `isConnected` tells a connection that broke from one that never stood. */
export function httpErrorFrom(error: unknown, isConnected: boolean): HttpError {
  const first = error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
  const { code, message } = first as { code?: unknown; message?: unknown };
  const name = typeof code === 'string' ? code : '';
  return { code: classify(name, isConnected), message: typeof message === 'string' ? message : String(first) };
}

function classify(name: string, isConnected: boolean): HttpErrorCode {
  if (DNS_CODES.has(name) || name.startsWith('EAI_')) return 'DNS_FAILED';
  if (TLS_CODE.test(name)) return 'TLS_FAILED';
  if (CONNECT_CODES.has(name) || (name === 'ECONNRESET' && !isConnected)) return 'CONNECT_FAILED';
  return 'PROTOCOL_ERROR';
}
