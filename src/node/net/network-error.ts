// Node's socket errors as the platform's values.
import type { NetworkError, NetworkErrorCode } from '../../platform/network.ts';

const CODES: Readonly<Record<string, NetworkErrorCode>> = {
  EADDRINUSE: 'ADDRESS_IN_USE',
  EADDRNOTAVAIL: 'ADDRESS_NOT_AVAILABLE',
  EAFNOSUPPORT: 'ADDRESS_NOT_AVAILABLE',
  EACCES: 'PERMISSION_DENIED',
  EPERM: 'PERMISSION_DENIED',
  ECONNREFUSED: 'CONNECTION_REFUSED',
  ECONNRESET: 'CONNECTION_RESET',
  EPIPE: 'CONNECTION_RESET',
  ECONNABORTED: 'CONNECTION_RESET',
  ETIMEDOUT: 'CONNECT_TIMED_OUT',
  EHOSTUNREACH: 'UNREACHABLE',
  ENETUNREACH: 'UNREACHABLE',
  EHOSTDOWN: 'UNREACHABLE',
  ENETDOWN: 'UNREACHABLE',
  EMFILE: 'TOO_MANY_OPEN_FILES',
  ENFILE: 'TOO_MANY_OPEN_FILES',
};

/** Keeps the system's own sentence. */
export function networkErrorFrom(error: unknown): NetworkError {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const known = typeof code === 'string' ? CODES[code] : undefined;
  return { code: known ?? 'NETWORK_FAILED', message: typeof message === 'string' ? message : String(error) };
}
