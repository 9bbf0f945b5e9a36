// What a DHT keeps from one run of the program to the next: the id and the nodes of each family, bencoded. What does not fit
// is left out, never an error: a lost file costs a slower start and nothing else.
import { BDict, bdecode, bencode } from '../bencode/index.ts';
import { DHT_SAVED_NODES_MAX } from '../limits.ts';
import { type Contact, decodeContacts, encodeContacts } from './contact.ts';
import { NODE_ID_BYTES } from './node-id.ts';

const VERSION = 1;
const LIMITS = { maxDepth: 4, maxTokens: 32 };

export interface SavedDhtState {
  readonly ids: { readonly v4: Uint8Array | undefined; readonly v6: Uint8Array | undefined };
  readonly nodes: { readonly v4: readonly Contact[]; readonly v6: readonly Contact[] };
}

export function encodeDhtState({ ids, nodes }: SavedDhtState): Uint8Array {
  return bencode({
    version: VERSION,
    id: ids.v4,
    id6: ids.v6,
    nodes: encodeContacts(nodes.v4),
    nodes6: encodeContacts(nodes.v6),
  });
}

/** Undefined when the bytes are none of ours. */
export function decodeDhtState(bytes: Uint8Array): SavedDhtState | undefined {
  const decoded = bdecode(bytes, LIMITS);
  if (!decoded.ok || !(decoded.value instanceof BDict) || decoded.value.getNumber('version') !== VERSION)
    return undefined;
  const state = decoded.value;
  const idOf = (key: string): Uint8Array | undefined => {
    const id = state.getBytes(key);
    return id?.length === NODE_ID_BYTES ? id.slice() : undefined;
  };
  const nodesOf = (key: string, family: 4 | 6): Contact[] =>
    decodeContacts(state.getBytes(key) ?? new Uint8Array(0), family, DHT_SAVED_NODES_MAX);
  return { ids: { v4: idOf('id'), v6: idOf('id6') }, nodes: { v4: nodesOf('nodes', 4), v6: nodesOf('nodes6', 6) } };
}
