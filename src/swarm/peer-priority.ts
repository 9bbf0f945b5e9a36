// Canonical peer priority (BEP 40): a number for two addresses that both ends work out alike, so that everybody agrees
// which connections come first, and an attacker gets no more of them than its share of the networks. And the network that
// an address belongs to, by which connections are counted.
import { bytesToHex, compareBytes } from '../base/bytes.ts';
import { crc32c } from '../base/crc32c.ts';
import { parseIpAddress } from '../protocol/tracker/ip-address.ts';
import type { DialEndpoint } from './dial-address.ts';

/** What two hosts share decides how much of the rest counts. */
const IPV4_KEPT_BYTES = 2;
const IPV6_KEPT_BYTES = 6;
const MASK = 0x55;
const IPV4_NETWORK_BYTES = 3;
const IPV6_NETWORK_BYTES = 8;

/** 32 bits; higher comes first. 0 for addresses of two families, or what is no address. */
export function peerPriority(own: DialEndpoint, peer: DialEndpoint): number {
  const left = parseIpAddress(own.address);
  const right = parseIpAddress(peer.address);
  if (left === undefined || right === undefined || left.length !== right.length) return 0;
  const shared = sharedBytes(left, right);
  if (shared === left.length) return crc32c(sorted(portBytes(own.port), portBytes(peer.port)));
  const least = left.length === 4 ? IPV4_KEPT_BYTES : IPV6_KEPT_BYTES;
  const kept = shared < least ? least : shared + 1;
  for (let i = kept; i < left.length; i++) {
    left[i] = left[i]! & MASK;
    right[i] = right[i]! & MASK;
  }
  return crc32c(sorted(left, right));
}

/** The /24 of an IPv4 address and the /64 of an IPv6 one: what one owner has more of than anybody can count. */
export function networkOf(address: string): string {
  const bytes = parseIpAddress(address);
  if (bytes === undefined) return address;
  return bytesToHex(bytes.subarray(0, bytes.length === 4 ? IPV4_NETWORK_BYTES : IPV6_NETWORK_BYTES));
}

function sharedBytes(left: Uint8Array, right: Uint8Array): number {
  let count = 0;
  while (count < left.length && left[count] === right[count]) count++;
  return count;
}

function portBytes(port: number): Uint8Array {
  return Uint8Array.of(port >> 8, port & 0xff);
}

function sorted(left: Uint8Array, right: Uint8Array): Uint8Array {
  const joined = new Uint8Array(left.length + right.length);
  const leftIsFirst = compareBytes(left, right) <= 0;
  joined.set(leftIsFirst ? left : right);
  joined.set(leftIsFirst ? right : left, left.length);
  return joined;
}
