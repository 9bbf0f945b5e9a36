// The MAP question of PCP (RFC 6887) and its answer: an external port of a NAT, or a pinhole in a firewall for IPv6. A
// codec only; the nonce is what tells a router's answer from anybody's.
import { readUint16, readUint32, writeUint16, writeUint32 } from '../../base/bytes.ts';
import { PORT_MAPPING_DATAGRAM_MAX_BYTES } from '../limits.ts';
import { formatIpAddress, parseIpAddress } from '../tracker/ip-address.ts';
import type { MappedProtocol } from './mapped-protocol.ts';

export const PCP_VERSION = 2;
export const PCP_NONCE_BYTES = 12;
const MAP = 1;
const ANSWER = 0x80;
const HEADER_BYTES = 24;
const MESSAGE_BYTES = 60;
/** Numbers of IANA. */
const PROTOCOLS: Readonly<Record<MappedProtocol, number>> = { tcp: 6, udp: 17 };

export interface PcpMapping {
  /** PCP_NONCE_BYTES. */
  readonly nonce: Uint8Array;
  readonly protocol: MappedProtocol;
  readonly internalPort: number;
  /** Suggested, or given; 0: any. */
  readonly externalPort: number;
  /** Suggested, or given; undefined: any. */
  readonly externalAddress: string | undefined;
  /** 0: the mapping is to go. In a refusal: how long it stands. */
  readonly lifetimeSeconds: number;
}

export interface PcpAnswer extends PcpMapping {
  /** 0: done. */
  readonly resultCode: number;
}

/** `clientAddress`: ours, as the router sees it. */
export function encodePcpMapping(mapping: PcpMapping, clientAddress: string): Uint8Array {
  const bytes = new Uint8Array(MESSAGE_BYTES);
  bytes[0] = PCP_VERSION;
  bytes[1] = MAP;
  writeUint32(bytes, 4, mapping.lifetimeSeconds);
  writeAddress(bytes, 8, clientAddress);
  bytes.set(mapping.nonce, HEADER_BYTES);
  bytes[36] = PROTOCOLS[mapping.protocol];
  writeUint16(bytes, 40, mapping.internalPort);
  writeUint16(bytes, 42, mapping.externalPort);
  writeAddress(bytes, 44, mapping.externalAddress ?? (clientAddress.includes(':') ? '::' : '0.0.0.0'));
  return bytes;
}

/** Copies what it keeps. Undefined for what is no answer to a MAP question. */
export function decodePcpAnswer(bytes: Uint8Array): PcpAnswer | undefined {
  if (bytes.length < MESSAGE_BYTES || bytes.length > PORT_MAPPING_DATAGRAM_MAX_BYTES || bytes.length % 4 !== 0) {
    return undefined;
  }
  if (bytes[0] !== PCP_VERSION || bytes[1] !== (ANSWER | MAP)) return undefined;
  const protocol = bytes[36] === PROTOCOLS.tcp ? 'tcp' : bytes[36] === PROTOCOLS.udp ? 'udp' : undefined;
  if (protocol === undefined) return undefined;
  return {
    resultCode: bytes[3]!,
    lifetimeSeconds: readUint32(bytes, 4),
    nonce: bytes.slice(HEADER_BYTES, HEADER_BYTES + PCP_NONCE_BYTES),
    protocol,
    internalPort: readUint16(bytes, 40),
    externalPort: readUint16(bytes, 42),
    externalAddress: formatIpAddress(bytes.subarray(44, MESSAGE_BYTES)),
  };
}

/** A router says that it does not speak version 2: one of NAT-PMP alone answers in its own version. */
export function isPcpVersionRefused(bytes: Uint8Array): boolean {
  const UNSUPPORTED_VERSION = 1;
  return bytes.length >= 4 && bytes[1]! >= ANSWER && bytes[3] === UNSUPPORTED_VERSION;
}

/** 16 bytes; IPv4 as IPv4-mapped IPv6. */
function writeAddress(bytes: Uint8Array, offset: number, address: string): void {
  const literal = parseIpAddress(address) ?? new Uint8Array(16);
  if (literal.length === 4) {
    bytes[offset + 10] = 0xff;
    bytes[offset + 11] = 0xff;
  }
  bytes.set(literal, offset + 16 - literal.length);
}
