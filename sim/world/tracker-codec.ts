// What trackers read and write, written down a second time and apart from the engine's codecs, so that a shared mistake
// cannot hide in the simulator.
import { writeUint16 } from '../../src/base/bytes.ts';
import type { Endpoint } from '../../src/platform/network.ts';

export function isV4({ address }: { readonly address: string }): boolean {
  return !address.includes(':');
}

/** BEP 23 and BEP 7: the address's bytes, then the port's. */
export function compactEndpoint({ address, port }: Endpoint): Uint8Array {
  const groups = isV4({ address }) ? address.split('.').map(Number) : v6Bytes(address);
  const bytes = new Uint8Array(groups.length + 2);
  bytes.set(groups);
  writeUint16(bytes, groups.length, port);
  return bytes;
}

function v6Bytes(address: string): number[] {
  const [head = '', tail = ''] = address.split('::');
  const words = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16));
  const front = words(head);
  const back = address.includes('::') ? words(tail) : [];
  const middle = new Array<number>(8 - front.length - back.length).fill(0);
  return [...front, ...middle, ...back].flatMap((word) => [word >> 8, word & 0xff]);
}

/** Of an announce URL. Values are bytes: info-hashes are no text. */
export function decodeQuery(search: string): Map<string, Uint8Array> {
  const values = new Map<string, Uint8Array>();
  for (const pair of search.replace(/^\?/, '').split('&')) {
    const [name = '', value = ''] = pair.split('=');
    const bytes: number[] = [];
    for (const unit of value.match(/%..|[^%]/g) ?? []) {
      bytes.push(unit.length === 3 ? Number.parseInt(unit.slice(1), 16) : unit.charCodeAt(0));
    }
    values.set(name, Uint8Array.from(bytes));
  }
  return values;
}

/** ASCII bytes as text; empty when there are none. */
export function text(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : String.fromCharCode(...bytes);
}
