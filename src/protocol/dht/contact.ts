// A node's id and where it can be reached, and the compact forms that these travel in: 26 bytes over IPv4 (BEP 5, "Contact
// Encoding"), 38 over IPv6 (BEP 32, "nodes6"); peers 6 and 18 bytes. Knows nothing of how good a node is.
import { readUint16, writeUint16 } from '../../base/bytes.ts';
import { formatIpAddress, parseIpAddress } from '../tracker/ip-address.ts';
import { NODE_ID_BYTES } from './node-id.ts';
import { isLocalAddress, isSecureNodeId } from './secure-node-id.ts';

/** An address literal in its normal spelling, and a port. */
export interface DhtEndpoint {
  readonly address: string;
  readonly port: number;
}

const PORT_BYTES = 2;

export function endpointBytes(family: 4 | 6): number {
  return (family === 4 ? 4 : 16) + PORT_BYTES;
}

export class Contact implements DhtEndpoint {
  /** Id, address and port as they travel; its first 20 bytes may stand for the id. */
  readonly compact: Uint8Array;
  readonly address: string;
  readonly port: number;
  /** The block that one party is likely to hold, /24 of IPv4 and /64 of IPv6; '' for local addresses. */
  readonly network: string;
  /** The id fits the address (BEP 42). */
  readonly isSecure: boolean;

  constructor(compact: Uint8Array, address: string) {
    const bytes = compact.subarray(NODE_ID_BYTES, compact.length - PORT_BYTES);
    this.compact = compact;
    this.address = address;
    this.port = readUint16(compact, compact.length - PORT_BYTES);
    this.network = networkOf(bytes);
    this.isSecure = isSecureNodeId(compact, bytes);
  }

  /** A copy of the id. */
  get id(): Uint8Array {
    return this.compact.slice(0, NODE_ID_BYTES);
  }

  get family(): 4 | 6 {
    return this.compact.length === NODE_ID_BYTES + endpointBytes(4) ? 4 : 6;
  }
}

/** Undefined when the address is no literal. */
export function createContact(id: Uint8Array, endpoint: DhtEndpoint): Contact | undefined {
  const compact = encodeEndpoint(endpoint);
  if (compact === undefined) return undefined;
  const bytes = new Uint8Array(NODE_ID_BYTES + compact.length);
  bytes.set(id.subarray(0, NODE_ID_BYTES));
  bytes.set(compact, NODE_ID_BYTES);
  return new Contact(bytes, endpoint.address);
}

/**
 * The nodes of a packed list, at most `maxCount`: those that nobody can reach are left out, a part of an entry at the end is
 * ignored.
 */
export function decodeContacts(bytes: Uint8Array, family: 4 | 6, maxCount: number): Contact[] {
  const entryBytes = NODE_ID_BYTES + endpointBytes(family);
  const contacts: Contact[] = []; // BOUNDED: maxCount
  for (let at = 0; at + entryBytes <= bytes.length && contacts.length < maxCount; at += entryBytes) {
    const endpoint = decodeEndpoint(bytes.subarray(at + NODE_ID_BYTES, at + entryBytes));
    if (endpoint !== undefined) contacts.push(new Contact(bytes.slice(at, at + entryBytes), endpoint.address));
  }
  return contacts;
}

/** Ids, addresses and ports of contacts of one family, one behind the other. */
export function encodeContacts(contacts: readonly Contact[]): Uint8Array {
  let length = 0;
  for (const { compact } of contacts) length += compact.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const { compact } of contacts) {
    bytes.set(compact, at);
    at += compact.length;
  }
  return bytes;
}

/** 6 or 18 bytes; undefined when the address is no literal. */
export function encodeEndpoint({ address, port }: DhtEndpoint): Uint8Array | undefined {
  const bytes = parseIpAddress(address);
  if (bytes === undefined) return undefined;
  const compact = new Uint8Array(bytes.length + PORT_BYTES);
  compact.set(bytes);
  writeUint16(compact, bytes.length, port);
  return compact;
}

/** Undefined for other lengths than 6 and 18, and for what cannot be reached: port 0, "any", multicast, broadcast. */
export function decodeEndpoint(compact: Uint8Array): DhtEndpoint | undefined {
  if (compact.length !== endpointBytes(4) && compact.length !== endpointBytes(6)) return undefined;
  const bytes = compact.subarray(0, compact.length - PORT_BYTES);
  const port = readUint16(compact, bytes.length);
  const address = formatIpAddress(bytes);
  if (port === 0 || address === undefined || !isReachable(bytes)) return undefined;
  // An IPv4-mapped address is not IPv6 on the wire: it would leave over the other family's socket.
  if (bytes.length === 16 && !address.includes(':')) return undefined;
  return { address, port };
}

function isReachable(address: Uint8Array): boolean {
  const first = address[0]!;
  if (address.length === 4) return first !== 0 && first < 224;
  return first !== 0xff && address.some((byte) => byte !== 0);
}

function networkOf(address: Uint8Array): string {
  if (isLocalAddress(address)) return '';
  if (address.length === 4) return `${address[0]}.${address[1]}.${address[2]}`;
  let text = '';
  for (let i = 0; i < 8; i++) text += String.fromCharCode(address[i]!);
  return text;
}
