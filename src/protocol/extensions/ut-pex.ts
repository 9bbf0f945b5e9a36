// ut_pex messages (BEP 11): peers that the sender is connected to, and those it no longer is. A codec only: whom to tell
// and whom to believe is decided in src/swarm. Everything in a message is a stranger's claim.
import { readUint16, writeUint16 } from '../../base/bytes.ts';
import { BDict, bdecode, bencode } from '../bencode/index.ts';
import {
  BENCODE_WIRE_DEPTH_MAX,
  BENCODE_WIRE_TOKENS_MAX,
  PEX_INITIAL_PEERS_MAX,
  PEX_MESSAGE_MAX_BYTES,
} from '../limits.ts';
import { isUnspecified } from '../tracker/compact-peers.ts';
import { familyOf, formatIpAddress, parseIpAddress } from '../tracker/ip-address.ts';

/** Bits of `added.f`; the others are reserved. */
export const PEX_PREFERS_ENCRYPTION = 0x01;
export const PEX_SEED = 0x02;
export const PEX_UTP = 0x04;
export const PEX_HOLEPUNCH = 0x08;
export const PEX_REACHABLE = 0x10;
const KNOWN_FLAGS = 0x1f;

/** An address and a port. */
const CONTACT_V4_BYTES = 6;
const CONTACT_V6_BYTES = 18;

export interface PexEndpoint {
  /** As `formatIpAddress` spells it. */
  readonly address: string;
  readonly port: number;
}

export interface PexPeer extends PexEndpoint {
  readonly flags: number;
}

export interface PexMessage {
  readonly added: readonly PexPeer[];
  readonly dropped: readonly PexEndpoint[];
}

/** Addresses that are none are left out. */
export function encodePexMessage({ added, dropped }: PexMessage): Uint8Array {
  const of = <Contact extends PexEndpoint>(contacts: readonly Contact[], family: 4 | 6): readonly Contact[] =>
    contacts.filter(({ address }) => familyOf(address) === family);
  const [added4, added6] = [of(added, 4), of(added, 6)];
  return bencode({
    added: encodeContacts(added4),
    'added.f': encodeFlags(added4),
    added6: encodeContacts(added6),
    'added6.f': encodeFlags(added6),
    dropped: encodeContacts(of(dropped, 4)),
    dropped6: encodeContacts(of(dropped, 6)),
  });
}

/**
 * At most PEX_INITIAL_PEERS_MAX contacts of each list are read. Port 0 and the unspecified address are left out, a part of
 * a contact at a list's end is ignored, flags that are missing are 0. Undefined for what is no such message.
 */
export function decodePexMessage(payload: Uint8Array): PexMessage | undefined {
  if (payload.length > PEX_MESSAGE_MAX_BYTES) return undefined;
  const decoded = bdecode(payload, {
    maxDepth: BENCODE_WIRE_DEPTH_MAX,
    maxTokens: BENCODE_WIRE_TOKENS_MAX,
    allowTrailingBytes: true,
  });
  if (!decoded.ok || !(decoded.value instanceof BDict)) return undefined;
  const fields = decoded.value;
  const added: PexPeer[] = []; // BOUNDED: PEX_INITIAL_PEERS_MAX of each family, as `dropped` is.
  const dropped: PexPeer[] = [];
  readContacts(added, fields.getBytes('added'), CONTACT_V4_BYTES, fields.getBytes('added.f'));
  readContacts(added, fields.getBytes('added6'), CONTACT_V6_BYTES, fields.getBytes('added6.f'));
  readContacts(dropped, fields.getBytes('dropped'), CONTACT_V4_BYTES);
  readContacts(dropped, fields.getBytes('dropped6'), CONTACT_V6_BYTES);
  return { added, dropped: dropped.map(({ address, port }) => ({ address, port })) };
}

function readContacts(into: PexPeer[], bytes: Uint8Array | undefined, contactBytes: number, flags?: Uint8Array): void {
  if (bytes === undefined) return;
  const count = Math.min(Math.floor(bytes.length / contactBytes), PEX_INITIAL_PEERS_MAX);
  for (let index = 0; index < count; index++) {
    const start = index * contactBytes;
    const portAt = start + contactBytes - 2;
    const address = formatIpAddress(bytes.subarray(start, portAt));
    const port = readUint16(bytes, portAt);
    if (address === undefined || port === 0 || isUnspecified(address)) continue;
    into.push({ address, port, flags: (flags?.[index] ?? 0) & KNOWN_FLAGS });
  }
}

function encodeContacts(contacts: readonly PexEndpoint[]): Uint8Array | undefined {
  if (contacts.length === 0) return undefined;
  const parts: number[] = [];
  const portBytes = new Uint8Array(2);
  for (const { address, port } of contacts) {
    writeUint16(portBytes, 0, port);
    parts.push(...(parseIpAddress(address) ?? []), ...portBytes);
  }
  return Uint8Array.from(parts);
}

function encodeFlags(contacts: readonly PexPeer[]): Uint8Array | undefined {
  return contacts.length === 0 ? undefined : Uint8Array.from(contacts, ({ flags }) => flags);
}
