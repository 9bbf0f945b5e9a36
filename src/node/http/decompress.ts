// Bodies that came compressed, unpacked up to a bound: a bomb stops where it grows beyond it.
import type { InputType } from 'node:zlib';
import type { HttpError } from './http-error.ts';

/** The encodings that `decompress` understands, as a request header. */
export const ACCEPT_ENCODING = 'gzip, deflate';

/** Calls back asynchronously for compressed bodies, at once for plain ones. */
export function decompress(
  body: Uint8Array,
  contentEncoding: string,
  maxBytes: number,
  onDone: (result: Uint8Array | HttpError) => void,
): void {
  const encoding = contentEncoding.trim().toLowerCase();
  if (encoding === '' || encoding === 'identity' || body.length === 0) {
    onDone(body);
    return;
  }
  const unpack = unpackerFor(encoding, body);
  if (unpack === undefined) {
    onDone({ code: 'PROTOCOL_ERROR', message: 'The content encoding is not known.' });
    return;
  }
  unpack(body, { maxOutputLength: Math.max(1, maxBytes) }, (error, unpacked) => {
    if (error === null) onDone(unpacked);
    else if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      onDone({ code: 'TOO_LARGE', message: 'The decompressed body is too large.' });
    } else onDone({ code: 'PROTOCOL_ERROR', message: 'The compressed body is damaged.' });
  });
}

type Unpacker = (
  body: InputType,
  options: { maxOutputLength: number },
  onDone: (error: Error | null, unpacked: Uint8Array) => void,
) => void;

function unpackerFor(encoding: string, body: Uint8Array): Unpacker | undefined {
  const { gunzip, inflate, inflateRaw } = process.getBuiltinModule('node:zlib'); // loaded when something is compressed
  if (encoding === 'gzip' || encoding === 'x-gzip') return gunzip;
  if (encoding !== 'deflate') return undefined;
  // RFC 9110 means the zlib format; some servers send what stands inside it. The zlib header tells them apart.
  const isZlib = (body[0]! & 0x0f) === 8 && ((body[0]! << 8) | (body[1] ?? 0)) % 31 === 0;
  return isZlib ? inflate : inflateRaw;
}
