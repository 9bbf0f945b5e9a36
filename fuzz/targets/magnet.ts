// The magnet parser: whatever it reads must be written and read back as the same.
import { isDeepStrictEqual } from 'node:util';
import { decodeUtf8Lenient, encodeUtf8 } from '../../src/base/bytes.ts';
import { formatMagnet, parseMagnet } from '../../src/protocol/magnet/index.ts';

export const name = 'magnet';

const HASH = '0123456789abcdef0123456789abcdef01234567';

export const seeds: readonly Uint8Array[] = [
  HASH,
  'aerukz4jvpg66ajdivtytk6n54asgrlh',
  `magnet:?xt=urn:btih:${HASH}&dn=a+b%20c&tr=http%3A%2F%2Ft.example%2Fannounce&tr.1=udp://u.example:80&x.pe=1.2.3.4:5`,
  `magnet:?xt=urn:btmh:1220${HASH}0123456789abcdef01234567&ws=https://w.example/&so=0,2,4-6&xl=5&x.pe=[::1]:2`,
].map(encodeUtf8);

export function run(bytes: Uint8Array): void {
  const parsed = parseMagnet(decodeUtf8Lenient(bytes));
  if (!parsed.ok) {
    if (!/^[A-Z].*[^.]\.$/.test(parsed.problem.message)) throw new Error(`no sentence: ${parsed.problem.message}`);
    return;
  }
  const again = parseMagnet(formatMagnet(parsed.value));
  if (!again.ok || !isDeepStrictEqual(again.value, parsed.value)) throw new Error('no round trip');
}
