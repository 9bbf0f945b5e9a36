// Goal: what one node does as others see it. Method: datagrams in and out by hand, and small networks in virtual time
// (sim/dht), where the other side is the same machine.
import { describe, expect, test } from 'vitest';
import { DhtWorld, type SimDhtNode } from '../../../sim/dht/dht-world.ts';
import { nodeCrypto } from '../../../sim/testing/node-crypto.ts';
import { bytesToHex, encodeUtf8 } from '../../base/bytes.ts';
import { seededRandom } from '../../base/random.ts';
import { estimateBloomFilter } from '../../protocol/dht/bloom-filter.ts';
import { createContact, type DhtEndpoint, decodeContacts, encodeEndpoint } from '../../protocol/dht/contact.ts';
import { immutableTarget, mutableTarget, signedBytes } from '../../protocol/dht/item.ts';
import { decodeKrpc } from '../../protocol/dht/krpc-decode.ts';
import { KrpcEncoder } from '../../protocol/dht/krpc-encoder.ts';
import type { KrpcMessage, KrpcQuery, KrpcResponse } from '../../protocol/dht/krpc-message.ts';
import { randomNodeId } from '../../protocol/dht/node-id.ts';
import { isSecureNodeId } from '../../protocol/dht/secure-node-id.ts';
import {
  DHT_AMPLIFICATION_MAX,
  DHT_BLOCK_MS,
  DHT_ITEM_MAX_BYTES,
  DHT_QUERIES_PER_ADDRESS_MAX,
  DHT_REPLY_MAX_BYTES,
} from '../../protocol/limits.ts';
import { parseIpAddress } from '../../protocol/tracker/ip-address.ts';
import { DhtNode } from './dht-node.ts';
import type { DhtNodeOptions, DhtOutput } from './dht-output.ts';
import type { SearchRequest, SearchResult } from './search.ts';
import type { StoredItem } from './stored-items.ts';

const crypto = nodeCrypto(seededRandom(7));
const encoder = new KrpcEncoder();
const random = seededRandom(3);
const AA = encodeUtf8('aa');
const ME: DhtEndpoint = { address: '80.1.2.3', port: 6881 };
const id = randomNodeId(random);
const target = randomNodeId(random);

type Response = Extract<KrpcMessage, { readonly type: 'response' }>;
type Sent = { readonly remote: DhtEndpoint; readonly message: KrpcMessage; readonly lengthBytes: number };

function outputsOf(node: DhtNode): { sent: Sent[]; others: DhtOutput[] } {
  const sent: Sent[] = [];
  const others: DhtOutput[] = [];
  for (let output = node.poll(); output !== undefined; output = node.poll()) {
    if (output.type !== 'send') others.push(output);
    else
      sent.push({ remote: output.remote, message: decodeKrpc(output.datagram)!, lengthBytes: output.datagram.length });
  }
  node.assertInvariants();
  return { sent, others };
}

/** The answer to a query that comes from `from`; pings to the asker are left aside. */
function ask(node: DhtNode, query: KrpcQuery, from = ME, nowMs = 0, isReadOnly = true): Sent | undefined {
  node.handleDatagram(encoder.query(AA, query, { isReadOnly }), from, nowMs);
  return outputsOf(node).sent.find(({ message }) => message.type !== 'query');
}

function responseTo(node: DhtNode, query: KrpcQuery, from = ME, nowMs = 0): KrpcResponse {
  const message = ask(node, query, from, nowMs)?.message;
  expect(message?.type).toBe('response');
  return (message as Response).response;
}

function createNode(options: Partial<DhtNodeOptions> = {}): DhtNode {
  return new DhtNode({ family: 4, crypto, ...options }, 0);
}

/** Puts nodes into the table: each asks, is pinged, and answers. */
function befriend(node: DhtNode, count: number, nowMs = 0): DhtEndpoint[] {
  const endpoints = Array.from({ length: count }, (_, i) => ({ address: `81.${i}.5.6`, port: 6881 }));
  for (const from of endpoints) {
    const theirs = randomNodeId(random);
    node.handleDatagram(encoder.query(AA, { method: 'ping', id: theirs }), from, nowMs);
    for (const { message, remote } of outputsOf(node).sent) {
      if (message.type !== 'query') continue;
      node.handleDatagram(encoder.response(message.transactionId, { id: theirs }), remote, nowMs);
    }
  }
  expect(node.nodeCount).toBe(count);
  return endpoints;
}

describe('answers', () => {
  test('a ping with our id and the address that it came from (BEP 42)', () => {
    const node = createNode();
    const { message } = ask(node, { method: 'ping', id })!;
    expect(message).toMatchObject({ type: 'response', response: { id: node.ownId }, ownEndpoint: encodeEndpoint(ME) });
  });

  test('find_node with the nearest eight nodes', () => {
    const node = createNode();
    befriend(node, 20);
    const response = responseTo(node, { method: 'find_node', id, target });
    expect(decodeContacts(response.nodes!, 4, 99)).toHaveLength(8);
    expect(response.nodes6).toBeUndefined();
  });

  test('want chooses the families, and the other family comes from elsewhere (BEP 32)', () => {
    const other = createContact(randomNodeId(random), { address: '2001:db8::1', port: 1 })!;
    const node = createNode({ closestOfOtherFamily: () => [other] });
    const both = responseTo(node, { method: 'find_node', id, target, want: { v4: true, v6: true } });
    expect([both.nodes?.length, both.nodes6?.length]).toEqual([0, 38]);
    const six = responseTo(node, { method: 'find_node', id, target, want: { v4: false, v6: true } });
    expect([six.nodes?.length, six.nodes6?.length]).toEqual([undefined, 38]);
  });

  test('errors say what is wrong', () => {
    const node = createNode();
    const errorOf = (query: KrpcQuery): unknown => ask(node, query)?.message;
    const announce = {
      method: 'announce_peer',
      id,
      infoHash: target,
      port: 1,
      impliedPort: false,
      seed: false,
    } as const;
    expect(errorOf({ ...announce, token: new Uint8Array(8) })).toMatchObject({ type: 'error', code: 203 });
    node.handleDatagram(encodeUtf8('d1:ad2:id20:abcdefghij0123456789e1:q4:what1:t2:aa1:y1:qe'), ME, 0);
    expect(outputsOf(node).sent[0]?.message).toMatchObject({ type: 'error', code: 204 });
  });

  test('a read-only node answers nothing and says so when it asks (BEP 43)', () => {
    const node = createNode({ isReadOnly: true });
    expect(ask(node, { method: 'ping', id })).toBeUndefined();
    node.ping(ME, 0);
    expect(outputsOf(node).sent[0]?.message).toMatchObject({ type: 'query', isReadOnly: true });
  });

  test('who asks as a read-only node is answered and not pinged', () => {
    const node = createNode();
    node.handleDatagram(encoder.query(AA, { method: 'ping', id }, { isReadOnly: true }), ME, 0);
    expect(outputsOf(node).sent).toHaveLength(1);
    node.handleDatagram(encoder.query(AA, { method: 'ping', id }), ME, 0);
    expect(outputsOf(node).sent.map(({ message }) => message.type)).toEqual(['query', 'response']);
  });
});

describe('announces', () => {
  const get = { method: 'get_peers', id, target } as const;
  const announce = (token: Uint8Array, port = 4000, impliedPort = false): KrpcQuery => ({
    method: 'announce_peer',
    id,
    infoHash: target,
    port,
    impliedPort,
    token,
    seed: false,
  });

  test('a peer is kept with its port, or with the port it sends from', () => {
    const node = createNode();
    const { token } = responseTo(node, get);
    responseTo(node, announce(token!));
    expect(responseTo(node, get).values).toEqual([encodeEndpoint({ ...ME, port: 4000 })]);
    responseTo(node, announce(token!, 0, true));
    expect(responseTo(node, get).values).toEqual([encodeEndpoint(ME)]);
  });

  test('a token is good for ten minutes, one address and one torrent', () => {
    const node = createNode();
    const token = responseTo(node, get).token!;
    expect(ask(node, announce(token), { address: '80.1.2.4', port: 1 })?.message.type).toBe('error');
    const other = { ...announce(token), infoHash: randomNodeId(random) } as KrpcQuery;
    expect(ask(node, other)?.message.type).toBe('error');
    expect(ask(node, announce(token), { ...ME, port: 99 }, 299_999)?.message.type).toBe('response');
    expect(ask(node, announce(token), ME, 599_999)?.message.type).toBe('response');
    expect(ask(node, announce(token), ME, 900_001)?.message.type).toBe('error');
  });

  test('peers are forgotten when they do not announce again', () => {
    const node = createNode();
    responseTo(node, announce(responseTo(node, get).token!));
    node.handleDeadline(2_600_000);
    outputsOf(node);
    expect(responseTo(node, get, ME, 2_600_000).values).toHaveLength(1);
    node.handleDeadline(2_800_000);
    outputsOf(node);
    expect(responseTo(node, get, ME, 2_800_000).values).toBeUndefined();
  });
});

describe('items (BEP 44)', () => {
  const seed = new Uint8Array(32).fill(5);
  const publicKey = crypto.ed25519PublicKey(seed);
  const itemTarget = mutableTarget(publicKey, new Uint8Array(0), crypto.sha1);
  const mutable = (value: Uint8Array, seq: number, cas?: number, salt = new Uint8Array(0)) => ({
    value,
    mutable: { publicKey, seq, signature: crypto.signEd25519(seed, signedBytes(value, seq, salt)), salt, cas },
  });
  const one = encodeUtf8('3:one');
  const two = encodeUtf8('3:two');

  function put(node: DhtNode, what: ReturnType<typeof mutable> | { value: Uint8Array; mutable: undefined }): number {
    const salt = what.mutable?.salt ?? new Uint8Array(0);
    const to =
      what.mutable === undefined
        ? immutableTarget(what.value, crypto.sha1)
        : mutableTarget(what.mutable.publicKey, salt, crypto.sha1);
    const token = responseTo(node, { method: 'get', id, target: to }).token!;
    const message = ask(node, { method: 'put', id, token, ...what })!.message;
    return message.type === 'error' ? message.code : 0;
  }

  test('an immutable value of 1,000 bytes is kept, one of 1,001 is not', () => {
    const node = createNode();
    const value = (length: number): Uint8Array => encodeUtf8(`${length - 4}:${'x'.repeat(length - 4)}`);
    expect(value(DHT_ITEM_MAX_BYTES).length).toBe(DHT_ITEM_MAX_BYTES);
    expect(put(node, { value: value(DHT_ITEM_MAX_BYTES), mutable: undefined })).toBe(0);
    expect(put(node, { value: encodeUtf8(`997:${'x'.repeat(997)}`), mutable: undefined })).toBe(205);
  });

  test('a newer value replaces, an older or a different one of the same age does not', () => {
    const node = createNode();
    expect(put(node, mutable(one, 2))).toBe(0);
    expect(put(node, mutable(two, 1))).toBe(302);
    expect(put(node, mutable(two, 2))).toBe(302);
    expect(put(node, mutable(one, 2))).toBe(0);
    expect(put(node, mutable(two, 3, 1))).toBe(301);
    expect(put(node, mutable(two, 3, 2))).toBe(0);
    expect(responseTo(node, { method: 'get', id, target: itemTarget })).toMatchObject({
      value: two,
      seq: 3,
      publicKey,
    });
  });

  test('a value that the asker has is not sent again', () => {
    const node = createNode();
    put(node, mutable(one, 2));
    expect(responseTo(node, { method: 'get', id, target: itemTarget, seq: 2 })).toMatchObject({
      seq: 2,
      value: undefined,
    });
    expect(responseTo(node, { method: 'get', id, target: itemTarget, seq: 1 }).value).toEqual(one);
  });

  test('a wrong signature and a salt of 65 bytes are refused', () => {
    const node = createNode();
    const wrong = mutable(one, 1);
    wrong.mutable.signature[3]! ^= 1;
    expect(put(node, wrong)).toBe(206);
    expect(put(node, mutable(one, 1, undefined, new Uint8Array(64)))).toBe(0);
    expect(put(node, mutable(one, 1, undefined, new Uint8Array(65)))).toBe(207);
  });

  test('only so many signatures of one address are checked in a second', () => {
    const node = createNode();
    const local = { address: '10.0.0.1', port: 1 };
    const token = responseTo(node, { method: 'get', id, target: itemTarget }, local).token!;
    const codes = Array.from({ length: 22 }, (_, seq) => {
      const { message } = ask(node, { method: 'put', id, token, ...mutable(one, seq + 1) }, local)!;
      return message.type === 'error' ? message.code : 0;
    });
    expect(codes).toEqual([...Array.from({ length: 20 }, () => 0), 202, 202]);
    expect(ask(node, { method: 'put', id, token, ...mutable(one, 30) }, local, 1_000)?.message.type).toBe('response');
  });

  test('a large value goes to an address that has proved itself; another is asked to prove itself first', () => {
    const node = createNode();
    const value = encodeUtf8(`995:${'x'.repeat(995)}`);
    put(node, mutable(value, 1));
    const stranger = { address: '99.1.2.3', port: 77 };
    node.handleDatagram(encoder.query(AA, { method: 'get', id, target: itemTarget }), stranger, 0);
    const pings = outputsOf(node).sent;
    expect(pings.map(({ message }) => message.type)).toEqual(['query', 'query']);
    for (const { message, remote } of pings) {
      node.handleDatagram(encoder.response(message.transactionId, { id }), remote, 1);
    }
    const [answer] = outputsOf(node).sent;
    expect(answer).toMatchObject({ remote: stranger, message: { transactionId: AA, response: { value, seq: 1 } } });
    expect(answer!.lengthBytes).toBeLessThanOrEqual(DHT_REPLY_MAX_BYTES);
  });
});

test('what is sent to an address that may be forged is at most ten times what came from it (T-74)', () => {
  const other = Array.from(
    { length: 8 },
    (_, i) => createContact(randomNodeId(random), { address: `2001:db8:${i}::1`, port: 1 })!,
  );
  const node = createNode({ closestOfOtherFamily: () => other, uploadBytesPerSecond: Infinity });
  befriend(node, 30);
  for (let i = 0; i < 300; i++) node.storage.peers.put(target, Uint8Array.of(5, 6, i >> 8, i, 1, 1), i % 2 === 0, 0);
  for (let i = 0; i < 30; i++) node.storage.peers.put(randomNodeId(random), Uint8Array.of(5, 6, 7, i, 1, 1), false, 0);
  const value = encodeUtf8(`995:${'x'.repeat(995)}`);
  const itemTarget = immutableTarget(value, crypto.sha1);
  node.storage.items.put(itemTarget, { value, mutable: undefined }, 0);
  const want = { v4: true, v6: true };
  const queries: KrpcQuery[] = [
    { method: 'ping', id },
    { method: 'find_node', id, target, want },
    { method: 'get_peers', id, target },
    { method: 'get_peers', id, target, want },
    { method: 'get_peers', id, target, want, scrape: true },
    { method: 'sample_infohashes', id, target, want },
    { method: 'get', id, target: itemTarget },
    { method: 'get', id, target: itemTarget, want },
  ];
  for (const [index, query] of queries.entries()) {
    for (const isReadOnly of [true, false]) {
      const datagram = encoder.query(AA, query, { isReadOnly });
      node.handleDatagram(datagram, { address: `70.${index}.1.${Number(isReadOnly)}`, port: 1 }, 0);
      const outBytes = outputsOf(node).sent.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
      expect(outBytes / datagram.length, query.method).toBeLessThanOrEqual(DHT_AMPLIFICATION_MAX);
      expect(outBytes).toBeGreaterThan(0);
    }
  }
});

describe('floods', () => {
  test('an address that asks too much is not answered for five minutes; a local one is', () => {
    const node = createNode({ uploadBytesPerSecond: Infinity });
    for (let i = 0; i < DHT_QUERIES_PER_ADDRESS_MAX; i++) expect(ask(node, { method: 'ping', id })).toBeDefined();
    expect(ask(node, { method: 'ping', id })).toBeUndefined();
    expect(ask(node, { method: 'ping', id }, { ...ME, port: 5 })).toBeUndefined();
    expect(ask(node, { method: 'ping', id }, { ...ME, address: '80.1.2.4' })).toBeDefined();
    expect(ask(node, { method: 'ping', id }, ME, DHT_BLOCK_MS - 1)).toBeUndefined();
    expect(ask(node, { method: 'ping', id }, ME, DHT_BLOCK_MS)).toBeDefined();
    for (let i = 0; i < 100; i++)
      expect(ask(node, { method: 'ping', id }, { address: '10.0.0.1', port: 1 })).toBeDefined();
  });

  test('answers stay within the budget: three seconds of it at once, then what comes in', () => {
    const node = createNode({ uploadBytesPerSecond: 1_000 });
    let sentBytes = 0;
    for (let i = 0; i < 200; i++) {
      sentBytes += ask(node, { method: 'ping', id }, { address: `60.1.${i}.1`, port: 1 })?.lengthBytes ?? 0;
    }
    expect(sentBytes).toBeGreaterThan(2_800);
    expect(sentBytes).toBeLessThanOrEqual(3_000);
    expect(ask(node, { method: 'ping', id }, { address: '61.1.1.1', port: 1 }, 500)).toBeDefined();
  });
});

describe('who is believed', () => {
  test('an answer counts from the address that was asked, with the number that went there, once', () => {
    const node = createNode();
    node.ping(ME, 0);
    const { transactionId } = outputsOf(node).sent[0]!.message;
    const answer = encoder.response(transactionId, { id });
    node.handleDatagram(answer, { ...ME, address: '80.1.2.4' }, 1);
    node.handleDatagram(answer, { ...ME, port: 1 }, 1);
    node.handleDatagram(encoder.response(Uint8Array.of(1, 2, 3, 4), { id }), ME, 1);
    expect([node.nodeCount, outputsOf(node).others]).toEqual([0, []]);
    node.handleDatagram(answer, ME, 30);
    node.handleDatagram(answer, ME, 31);
    expect(outputsOf(node).others).toMatchObject([{ type: 'pinged', endpoint: ME, rttMs: 30 }]);
    expect(node.nodeCount).toBe(1);
  });

  test('a ping that is not answered ends too', () => {
    const node = createNode();
    node.ping(ME, 0);
    outputsOf(node);
    node.handleDeadline(6_000);
    expect(outputsOf(node).others).toMatchObject([{ type: 'pinged', contact: undefined }]);
  });

  test('the id follows the address that four networks agree on, not one that one party repeats (BEP 42)', () => {
    const node = createNode();
    const before = node.ownId;
    const mine = parseIpAddress('93.184.216.34')!;
    const vote = (voter: string): void => {
      node.ping({ address: voter, port: 1 }, 0);
      for (const { message, remote } of outputsOf(node).sent) {
        const own = encodeEndpoint({ address: '93.184.216.34', port: 9 });
        node.handleDatagram(encoder.response(message.transactionId, { id: randomNodeId(random) }, own), remote, 0);
      }
    };
    for (let i = 0; i < 20; i++) vote(`80.1.2.${i + 1}`);
    for (let i = 0; i < 2; i++) vote(`81.1.${i}.1`);
    expect(node.ownId).toBe(before);
    vote('81.1.9.1');
    expect(outputsOf(node).others.filter(({ type }) => type === 'address')).toEqual([
      { type: 'address', address: mine },
    ]);
    expect(isSecureNodeId(node.ownId, mine)).toBe(true);
    node.assertInvariants();
  });
});

describe('a network in virtual time', () => {
  function build(count: number, seed = 1): { world: DhtWorld; nodes: SimDhtNode[] } {
    const world = new DhtWorld(seed);
    const shared = nodeCrypto(world.random);
    const nodes = Array.from({ length: count }, () => world.addNode(shared));
    for (const node of nodes) {
      node.node.addAddresses([nodes[0]!.endpoint], 0);
      node.drain();
    }
    world.runUntil(60_000);
    for (const { node } of nodes) node.assertInvariants();
    return { world, nodes };
  }

  function search(world: DhtWorld, from: SimDhtNode, request: SearchRequest) {
    const found = {
      peers: [] as DhtEndpoint[],
      items: [] as StoredItem[],
      samples: 0,
      result: undefined as SearchResult | undefined,
    };
    from.onOutput = (output) => {
      if (output.type === 'peers') found.peers.push(...output.peers);
      else if (output.type === 'item') found.items.push(output.item);
      else if (output.type === 'samples') found.samples += output.infoHashes.length / 20;
      else if (output.type === 'done') found.result = output.result;
    };
    from.node.search(request, world.nowMs);
    from.drain();
    world.runUntil(world.nowMs + 20_000);
    expect(from.node.searchCount).toBe(0);
    return { ...found, result: found.result! };
  }

  test('what one announces another finds, counts and samples', () => {
    const { world, nodes } = build(40);
    const announce = { port: 7000, impliedPort: false, seed: true };
    const { result } = search(world, nodes[3]!, { kind: 'peers', target, announce });
    expect(result.storedCount).toBeGreaterThanOrEqual(7);
    search(world, nodes[4]!, { kind: 'peers', target, announce: { ...announce, seed: false, port: 7001 } });
    const found = search(world, nodes[20]!, { kind: 'peers', target, scrape: true });
    expect(found.peers.map(({ port }) => port).sort()).toEqual([7000, 7001]);
    expect(found.peers.some(({ address }) => address === nodes[3]!.endpoint.address)).toBe(true);
    expect(estimateBloomFilter(found.result.filters!.seeds)).toBeCloseTo(1, 1);
    expect(estimateBloomFilter(found.result.filters!.peers)).toBeCloseTo(1, 1);
    expect(search(world, nodes[9]!, { kind: 'samples', target }).samples).toBeGreaterThan(4);
  });

  test('items are put, got, and replaced by newer ones', () => {
    const { world, nodes } = build(30);
    const value = encodeUtf8('12:Hello World!');
    const immutable = immutableTarget(value, crypto.sha1);
    const { result } = search(world, nodes[1]!, {
      kind: 'item',
      target: immutable,
      put: { value, mutable: undefined },
    });
    expect(result.storedCount).toBeGreaterThanOrEqual(7);
    expect(search(world, nodes[2]!, { kind: 'item', target: immutable }).items).toEqual([
      { value, mutable: undefined },
    ]);

    const keySeed = new Uint8Array(32).fill(9);
    const publicKey = crypto.ed25519PublicKey(keySeed);
    const salt = encodeUtf8('foobar');
    const to = mutableTarget(publicKey, salt, crypto.sha1);
    for (const seq of [1, 2]) {
      const signature = crypto.signEd25519(keySeed, signedBytes(value, seq, salt));
      const put = { value, mutable: { publicKey, seq, signature, salt, cas: undefined } };
      expect(search(world, nodes[seq]!, { kind: 'item', target: to, salt, put }).result.storedCount).toBeGreaterThan(6);
    }
    const got = search(world, nodes[8]!, { kind: 'item', target: to, salt });
    expect(got.items.at(-1)).toMatchObject({ value, mutable: { seq: 2 } });
    expect(search(world, nodes[8]!, { kind: 'item', target: to }).items).toEqual([]);
  });

  test('a search that begins before any node is known goes on with the first one', () => {
    const { world, nodes } = build(10);
    search(world, nodes[1]!, { kind: 'peers', target, announce: { port: 7000, impliedPort: false, seed: false } });
    const late = world.addNode(nodeCrypto(world.random));
    const peers: DhtEndpoint[] = [];
    late.onOutput = (output) => {
      if (output.type === 'peers') peers.push(...output.peers);
    };
    late.node.search({ kind: 'peers', target }, world.nowMs);
    late.drain();
    world.runUntil(world.nowMs + 10_000);
    late.node.addAddresses([nodes[2]!.endpoint], world.nowMs);
    late.drain();
    world.runUntil(world.nowMs + 1_000);
    expect(peers).toHaveLength(1);
  });

  test('a search without any node ends; one that is taken back says nothing', () => {
    const world = new DhtWorld(1);
    const lonely = world.addNode(nodeCrypto(world.random));
    const outputs: DhtOutput[] = [];
    lonely.onOutput = (output) => outputs.push(output);
    const searchId = lonely.node.search({ kind: 'peers', target }, 0);
    const other = lonely.node.search({ kind: 'peers', target }, 0);
    lonely.drain();
    lonely.node.cancel(other!);
    world.runUntil(29_000);
    expect(outputs).toEqual([]);
    world.runUntil(31_000);
    expect(outputs).toMatchObject([{ type: 'done', searchId, result: { answerCount: 0 } }]);
    expect(lonely.node.searchCount).toBe(0);
  });

  test('nodes that have left are forgotten, and the others stay', () => {
    const { world, nodes } = build(60);
    const gone = nodes.slice(0, 20);
    for (const node of gone) world.remove(node);
    world.runUntil(world.nowMs + 3_000_000);
    const left = new Set(gone.map(({ endpoint }) => endpoint.address));
    for (const { node } of nodes.slice(20)) {
      const known = node.savedNodes();
      expect(known.length).toBeGreaterThan(30);
      expect(known.filter(({ address }) => left.has(address)).length).toBeLessThanOrEqual(2);
      node.assertInvariants();
    }
  });

  test('saved nodes are enough to begin again', () => {
    const { world, nodes } = build(20);
    const saved = nodes[5]!.node.savedNodes();
    const again = world.addNode(nodeCrypto(world.random));
    again.node.addContacts(saved, world.nowMs);
    again.drain();
    world.runUntil(world.nowMs + 30_000);
    expect(again.node.nodeCount).toBeGreaterThan(10);
    expect(bytesToHex(again.node.ownId)).not.toBe(bytesToHex(nodes[5]!.node.ownId));
  });
});
