// NAT-PMP (RFC 6886): questions to a router and its answers. A codec only; the router is as hostile as anybody who can send
// from its address.
import { readUint16, readUint32, writeUint16, writeUint32 } from '../../base/bytes.ts';
import { formatIpAddress } from '../tracker/ip-address.ts';
import type { MappedProtocol } from './mapped-protocol.ts';

export const NAT_PMP_VERSION = 0;
const EXTERNAL_ADDRESS = 0;
const OPCODES: Readonly<Record<MappedProtocol, number>> = { udp: 1, tcp: 2 };
const ANSWER = 128;
const ADDRESS_ANSWER_BYTES = 12;
const MAPPING_ANSWER_BYTES = 16;

export interface NatPmpMapping {
  readonly protocol: MappedProtocol;
  readonly internalPort: number;
  /** Suggested; 0 when the mapping is to go. */
  readonly externalPort: number;
  /** 0: the mapping is to go. */
  readonly lifetimeSeconds: number;
}

export type NatPmpAnswer =
  | { readonly type: 'refused'; readonly protocol: MappedProtocol | undefined; readonly resultCode: number }
  | { readonly type: 'address'; readonly externalAddress: string }
  | ({ readonly type: 'mapping' } & NatPmpMapping);

export function encodeNatPmpAddressRequest(): Uint8Array {
  return Uint8Array.of(NAT_PMP_VERSION, EXTERNAL_ADDRESS);
}

export function encodeNatPmpMapping(mapping: NatPmpMapping): Uint8Array {
  const bytes = new Uint8Array(12);
  bytes[1] = OPCODES[mapping.protocol];
  writeUint16(bytes, 4, mapping.internalPort);
  writeUint16(bytes, 6, mapping.externalPort);
  writeUint32(bytes, 8, mapping.lifetimeSeconds);
  return bytes;
}

/** Undefined for what is no answer of NAT-PMP. */
export function decodeNatPmpAnswer(bytes: Uint8Array): NatPmpAnswer | undefined {
  if (bytes.length < 4 || bytes[0] !== NAT_PMP_VERSION || bytes[1]! < ANSWER) return undefined;
  const opcode = bytes[1]! - ANSWER;
  const protocol = opcode === OPCODES.tcp ? 'tcp' : opcode === OPCODES.udp ? 'udp' : undefined;
  const resultCode = readUint16(bytes, 2);
  // A router that knows no PCP refuses its version with whatever opcode that had (RFC 6886, section 3.5).
  if (resultCode !== 0) return { type: 'refused', protocol, resultCode };
  if (opcode === EXTERNAL_ADDRESS && bytes.length >= ADDRESS_ANSWER_BYTES) {
    return { type: 'address', externalAddress: formatIpAddress(bytes.subarray(8, 12))! };
  }
  if (protocol === undefined || bytes.length < MAPPING_ANSWER_BYTES) return undefined;
  return {
    type: 'mapping',
    protocol,
    internalPort: readUint16(bytes, 8),
    externalPort: readUint16(bytes, 10),
    lifetimeSeconds: readUint32(bytes, 12),
  };
}
