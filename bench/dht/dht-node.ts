// What a DHT node costs: queries answered in a second of one core's time, and memory with full tables and full storage.
// The datagrams are given to the machine directly: sockets cost the same for every program.

import { nodeCrypto } from '../../sim/testing/node-crypto.ts';
import { randomBytes, seededRandom } from '../../src/base/random.ts';
import { KrpcEncoder } from '../../src/protocol/dht/krpc-encoder.ts';
import { randomIdAtDistance, randomNodeId } from '../../src/protocol/dht/node-id.ts';
import {
  DHT_ITEM_MAX_BYTES,
  DHT_ITEMS_MAX,
  DHT_PEERS_PER_TORRENT_MAX,
  DHT_TORRENTS_MAX,
} from '../../src/protocol/limits.ts';
import { DhtNode } from '../../src/swarm/dht/dht-node.ts';

const QUERIES = 200_000;
const random = seededRandom(1);
const crypto = nodeCrypto(random);
const encoder = new KrpcEncoder();
const id = randomNodeId(random);
const AA = Uint8Array.of(97, 97);

function memoryMib(): number {
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

const emptyMib = memoryMib();
const node = new DhtNode({ family: 4, crypto, uploadBytesPerSecond: Infinity }, 0);
let nowMs = 0;

/** Nodes that ask, are pinged and answer, until no bucket has room. */
function fillTable(): void {
  for (let shared = 0; shared < 20; shared++) {
    for (let i = 0; i < 160; i++) {
      const theirs = randomIdAtDistance(node.ownId, shared, random);
      const remote = { address: `${30 + shared}.${i}.7.1`, port: 6881 };
      node.handleDatagram(encoder.query(AA, { method: 'ping', id: theirs }), remote, nowMs);
      for (let output = node.poll(); output !== undefined; output = node.poll()) {
        if (output.type !== 'send' || output.remote !== remote || output.datagram[12] === 0) continue;
        const at = output.datagram.findIndex((byte, j) => byte === 0x74 && output.datagram[j + 1] === 0x34);
        if (at === -1) continue;
        node.handleDatagram(encoder.response(output.datagram.slice(at + 3, at + 7), { id: theirs }), remote, nowMs);
      }
    }
  }
}

fillTable();
const infoHashes: Uint8Array[] = [];
for (let torrent = 0; torrent < DHT_TORRENTS_MAX; torrent++) {
  const infoHash = randomNodeId(random);
  infoHashes.push(infoHash);
  const peer = randomBytes(random, new Uint8Array(6));
  for (let i = 0; i < DHT_PEERS_PER_TORRENT_MAX; i++) {
    peer[0] = i >> 8;
    peer[1] = i;
    node.storage.peers.put(infoHash, peer, i % 2 === 0, nowMs);
  }
}
for (let i = 0; i < DHT_ITEMS_MAX; i++) {
  const value = randomBytes(random, new Uint8Array(DHT_ITEM_MAX_BYTES));
  node.storage.items.put(randomNodeId(random), { value, mutable: undefined }, nowMs);
}
const fullMib = memoryMib() - emptyMib;
console.log(
  `${node.nodeCount} nodes, ${node.storage.peers.peerCount} peers, ${node.storage.items.size} items: ${fullMib.toFixed(1)} MiB`,
);

const queries = Array.from({ length: 1_000 }, (_, i) => {
  const target = infoHashes[(i * 7) % infoHashes.length]!;
  const kinds = [
    { method: 'get_peers' as const, id, target },
    { method: 'find_node' as const, id, target: randomNodeId(random) },
    { method: 'get_peers' as const, id, target: randomNodeId(random) },
    { method: 'ping' as const, id },
  ];
  return encoder.query(AA, kinds[i % kinds.length]!, { isReadOnly: true });
});
for (const round of ['warm-up', 'measured']) {
  const before = process.cpuUsage();
  let sentBytes = 0;
  for (let i = 0; i < QUERIES; i++) {
    if (i % 10 === 0) nowMs++;
    const remote = { address: `77.${(i >> 8) & 255}.${i & 255}.${1 + ((i >> 16) & 127)}`, port: 1 };
    node.handleDatagram(queries[i % queries.length]!, remote, nowMs);
    for (let output = node.poll(); output !== undefined; output = node.poll()) {
      if (output.type === 'send') sentBytes += output.datagram.length;
    }
  }
  const { user, system } = process.cpuUsage(before);
  const perSecond = QUERIES / ((user + system) / 1e6);
  console.log(
    `${round}: ${Math.round(perSecond)} queries for each second of processor time, ${Math.round(sentBytes / QUERIES)} bytes an answer`,
  );
}
