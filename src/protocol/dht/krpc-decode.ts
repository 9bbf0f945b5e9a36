// Datagrams to messages of the DHT. Whatever the bytes, it returns a message or undefined: what is no message at all is not
// worth an answer. Lengths of ids, tokens, keys and signatures are checked here and nowhere else.
import { BDict, bdecode } from '../bencode/index.ts';
import {
  BENCODE_WIRE_DEPTH_MAX,
  DHT_DATAGRAM_MAX_BYTES,
  DHT_TOKEN_MAX_BYTES,
  DHT_TOKENS_MAX,
  DHT_TRANSACTION_ID_MAX_BYTES,
  DHT_VALUES_MAX,
} from '../limits.ts';
import { BLOOM_FILTER_BYTES } from './bloom-filter.ts';
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from './item.ts';
import {
  KRPC_ERROR,
  type KrpcMessage,
  type KrpcQuery,
  type KrpcResponse,
  type PutQuery,
  type WantedFamilies,
} from './krpc-message.ts';
import { NODE_ID_BYTES } from './node-id.ts';

const BYTE_D = 0x64;
const WANT_STRINGS_MAX = 8;
const LIMITS = { maxDepth: BENCODE_WIRE_DEPTH_MAX, maxTokens: DHT_TOKENS_MAX };

/** What a `want` may say, as text. */
const NO_BYTES = new Uint8Array(0);

/** Whether the datagram may be one of the DHT: every message of it is a dictionary. */
export function isKrpcDatagram(datagram: Uint8Array): boolean {
  return datagram[0] === BYTE_D;
}

/** Undefined: no message, or one whose sender cannot be told anything. */
export function decodeKrpc(datagram: Uint8Array): KrpcMessage | undefined {
  if (datagram.length > DHT_DATAGRAM_MAX_BYTES || !isKrpcDatagram(datagram)) return undefined;
  const decoded = bdecode(datagram, LIMITS);
  if (!decoded.ok || !(decoded.value instanceof BDict)) return undefined;
  const message = decoded.value;
  const transactionId = message.getBytes('t');
  if (transactionId === undefined || transactionId.length > DHT_TRANSACTION_ID_MAX_BYTES) return undefined;
  switch (message.getString('y')) {
    case 'q':
      return decodeQueryMessage(message, transactionId);
    case 'r': {
      const response = decodeResponse(message.getDict('r'));
      if (response === undefined) return undefined;
      return { type: 'response', transactionId, response, ownEndpoint: message.getBytes('ip') };
    }
    case 'e': {
      const [code, text] = message.getList('e') ?? [];
      return {
        type: 'error',
        transactionId,
        code: typeof code === 'number' ? code : KRPC_ERROR.generic,
        message: text instanceof Uint8Array ? text : NO_BYTES,
        ownEndpoint: message.getBytes('ip'),
      };
    }
    default:
      return undefined;
  }
}

function decodeQueryMessage(message: BDict, transactionId: Uint8Array): KrpcMessage {
  const args = message.getDict('a');
  const id = bytesOf(args, 'id', NODE_ID_BYTES);
  if (args === undefined || id === undefined) {
    return { type: 'refused', transactionId, code: KRPC_ERROR.protocol, message: 'no node id' };
  }
  const query = decodeQuery(message.getString('q'), id, args);
  if ('code' in query) return { type: 'refused', transactionId, ...query };
  return { type: 'query', transactionId, query, isReadOnly: message.getNumber('ro') === 1 };
}

interface Refusal {
  readonly code: number;
  readonly message: string;
}

function decodeQuery(method: string | undefined, id: Uint8Array, args: BDict): KrpcQuery | Refusal {
  switch (method) {
    case 'ping':
      return { method, id };
    case 'get_peers':
      return withTarget(args, 'info_hash', (target) => ({
        method,
        id,
        target,
        want: wantOf(args),
        noSeed: args.getNumber('noseed') === 1,
        scrape: args.getNumber('scrape') === 1,
      }));
    case 'find_node':
    case 'sample_infohashes':
      return withTarget(args, 'target', (target) => ({ method, id, target, want: wantOf(args) }));
    case 'get':
      return withTarget(args, 'target', (target) => ({
        method,
        id,
        target,
        want: wantOf(args),
        seq: args.getNumber('seq'),
      }));
    case 'announce_peer':
      return decodeAnnounce(id, args);
    case 'put':
      return decodePut(id, args);
    default: {
      // A method of the future that names a target is answered with the nodes near it, as libtorrent does.
      const target = bytesOf(args, 'target', NODE_ID_BYTES) ?? bytesOf(args, 'info_hash', NODE_ID_BYTES);
      if (target !== undefined) return { method: 'find_node', id, target, want: wantOf(args) };
      return { code: KRPC_ERROR.methodUnknown, message: 'unknown method' };
    }
  }
}

function withTarget(args: BDict, key: string, make: (target: Uint8Array) => KrpcQuery): KrpcQuery | Refusal {
  const target = bytesOf(args, key, NODE_ID_BYTES);
  return target === undefined ? { code: KRPC_ERROR.protocol, message: `no ${key}` } : make(target);
}

function decodeAnnounce(id: Uint8Array, args: BDict): KrpcQuery | Refusal {
  const infoHash = bytesOf(args, 'info_hash', NODE_ID_BYTES);
  const token = tokenOf(args);
  const impliedPort = (args.getNumber('implied_port') ?? 0) !== 0;
  const port = args.getNumber('port') ?? 0;
  if (infoHash === undefined) return { code: KRPC_ERROR.protocol, message: 'no info_hash' };
  if (token === undefined) return { code: KRPC_ERROR.protocol, message: 'no token' };
  if (!impliedPort && (port < 1 || port > 65_535)) return { code: KRPC_ERROR.protocol, message: 'no such port' };
  return { method: 'announce_peer', id, infoHash, port, impliedPort, token, seed: args.getNumber('seed') === 1 };
}

function decodePut(id: Uint8Array, args: BDict): KrpcQuery | Refusal {
  const token = tokenOf(args);
  const value = args.rawSpan('v');
  if (token === undefined) return { code: KRPC_ERROR.protocol, message: 'no token' };
  if (value === undefined) return { code: KRPC_ERROR.protocol, message: 'no value' };
  const mutable = args.has('k') || args.has('sig') ? mutableOf(args) : undefined;
  if (mutable !== undefined && 'code' in mutable) return mutable;
  return { method: 'put', id, token, value, mutable };
}

function mutableOf(args: BDict): NonNullable<PutQuery['mutable']> | Refusal {
  const publicKey = bytesOf(args, 'k', PUBLIC_KEY_BYTES);
  const signature = bytesOf(args, 'sig', SIGNATURE_BYTES);
  // Numbers above 2^53 are refused, though BEP 44 allows 63 bits: no publisher counts that far.
  const seq = args.getNumber('seq');
  if (publicKey === undefined || signature === undefined || seq === undefined || seq < 0) {
    return { code: KRPC_ERROR.protocol, message: 'k, sig or seq is missing or wrong' };
  }
  return { publicKey, signature, seq, salt: args.getBytes('salt') ?? NO_BYTES, cas: args.getNumber('cas') };
}

function decodeResponse(values: BDict | undefined): KrpcResponse | undefined {
  const id = bytesOf(values, 'id', NODE_ID_BYTES);
  if (values === undefined || id === undefined) return undefined;
  const seq = values.getNumber('seq');
  return {
    id,
    nodes: values.getBytes('nodes'),
    nodes6: values.getBytes('nodes6'),
    token: tokenOf(values),
    values: values.getStrings('values', DHT_VALUES_MAX),
    seedFilter: bytesOf(values, 'BFsd', BLOOM_FILTER_BYTES),
    peerFilter: bytesOf(values, 'BFpe', BLOOM_FILTER_BYTES),
    value: values.rawSpan('v'),
    publicKey: bytesOf(values, 'k', PUBLIC_KEY_BYTES),
    seq: seq !== undefined && seq >= 0 ? seq : undefined,
    signature: bytesOf(values, 'sig', SIGNATURE_BYTES),
    samples: values.getBytes('samples'),
    sampleTotal: values.getNumber('num'),
    sampleIntervalSeconds: values.getNumber('interval'),
  };
}

function bytesOf(values: BDict | undefined, key: string, length: number): Uint8Array | undefined {
  const bytes = values?.getBytes(key);
  return bytes?.length === length ? bytes : undefined;
}

function tokenOf(values: BDict): Uint8Array | undefined {
  const token = values.getBytes('token');
  return token !== undefined && token.length <= DHT_TOKEN_MAX_BYTES ? token : undefined;
}

function wantOf(args: BDict): WantedFamilies | undefined {
  const want = args.getStrings('want', WANT_STRINGS_MAX);
  if (want === undefined) return undefined;
  const asks = (digit: number): boolean => want.some(([n, d, more]) => n === 0x6e && d === digit && more === undefined);
  return { v4: asks(0x34), v6: asks(0x36) };
}
