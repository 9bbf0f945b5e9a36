// Datagrams of the DHT: the decoder alone, then a node that gets them as queries and as answers to its own, from addresses
// that the input's own bytes choose. What it sends must be decodable and no longer than allowed.
import { createHash } from 'node:crypto';
import { encodeUtf8 } from '../../src/base/bytes.ts';
import { seededRandom } from '../../src/base/random.ts';
import { decodeKrpc } from '../../src/protocol/dht/krpc-decode.ts';
import { KrpcEncoder } from '../../src/protocol/dht/krpc-encoder.ts';
import { decodeDhtState } from '../../src/protocol/dht/saved-state.ts';
import { DHT_AMPLIFICATION_MAX, DHT_REPLY_MAX_BYTES } from '../../src/protocol/limits.ts';
import { DhtNode } from '../../src/swarm/dht/dht-node.ts';

export const name = 'krpc';

const ID = 'abcdefghij0123456789';
const TARGET = 'mnopqrstuvwxyz123456';

export const seeds: readonly Uint8Array[] = [
  `d1:ad2:id20:${ID}e1:q4:ping1:t2:aa1:y1:qe`,
  `d1:ad2:id20:${ID}6:target20:${TARGET}4:wantl2:n42:n6ee1:q9:find_node1:t2:aa1:y1:qe`,
  `d1:ad2:id20:${ID}9:info_hash20:${TARGET}6:scrapei1ee1:q9:get_peers1:t2:aa1:y1:qe`,
  `d1:ad2:id20:${ID}12:implied_porti1e9:info_hash20:${TARGET}4:porti6881e5:token8:aoeusnthe1:q13:announce_peer1:t2:aa1:y1:qe`,
  `d1:ad2:id20:${ID}1:k32:${ID}${ID.slice(0, 12)}4:salt1:s3:seqi1e3:sig64:${ID}${ID}${ID}abcd5:token8:aoeusnth1:v1:xe1:q3:put1:t2:aa1:y1:qe`,
  `d1:ad2:id20:${ID}6:target20:${TARGET}e1:q17:sample_infohashes1:t2:aa1:y1:qe`,
  `d2:ip6:1234561:rd2:id20:${ID}5:nodes26:${TARGET}1234565:token8:aoeusnth6:valuesl6:axje.u6:idhtnmee1:t4:TTTT1:y1:re`,
  'd1:eli201e23:A Generic Error Ocurrede1:t4:TTTT1:y1:ee',
  `d2:id20:${ID}5:nodes26:${TARGET}1234567:versioni1ee`,
].map(encodeUtf8);

const digest = (algorithm: string, bytes: Uint8Array): Uint8Array =>
  new Uint8Array(createHash(algorithm).update(bytes).digest());

export function run(bytes: Uint8Array): void {
  decodeDhtState(bytes);
  const message = decodeKrpc(bytes);
  if (message === undefined) return;
  if (message.type === 'query') {
    const again = decodeKrpc(new KrpcEncoder().query(message.transactionId, message.query));
    if (again?.type !== 'query') throw new Error('what was decoded cannot be encoded');
  }
  feed(bytes);
}

function feed(bytes: Uint8Array): void {
  const crypto = {
    sha1: (input: Uint8Array) => digest('sha1', input),
    sha256: (input: Uint8Array) => digest('sha256', input),
    verifyEd25519: (_: Uint8Array, signed: Uint8Array) => signed.length % 2 === 0,
    random: seededRandom(bytes.length),
  };
  const node = new DhtNode({ family: 4, crypto }, 0);
  const remote = { address: `80.1.${bytes[bytes.length >> 1]}.7`, port: 1 };
  node.search({ kind: 'peers', target: encodeUtf8(TARGET), announce: { port: 1, impliedPort: false, seed: false } }, 0);
  node.addAddresses([remote], 0);
  const answers: Uint8Array[] = [];
  let askedId = new Uint8Array(4);
  for (let output = node.poll(); output !== undefined; output = node.poll()) {
    if (output.type === 'send') askedId = decodeKrpc(output.datagram)!.transactionId.slice() as Uint8Array<ArrayBuffer>;
  }
  // The number of a question of ours in the place of the seeds' own, so that answers are taken as answers.
  const answer = bytes.slice();
  for (let at = 0; at + 4 <= answer.length; at++) {
    if (answer.subarray(at, at + 4).every((byte) => byte === 0x54)) answer.set(askedId, at);
  }
  node.handleDatagram(answer, remote, 10);
  let sentBytes = 0;
  for (let output = node.poll(); output !== undefined; output = node.poll()) {
    if (output.type !== 'send') continue;
    answers.push(output.datagram);
    if (output.datagram.length > DHT_REPLY_MAX_BYTES) throw new Error('a datagram is too long');
    if (decodeKrpc(output.datagram) === undefined) throw new Error('we send what nobody can read');
    if (decodeKrpc(output.datagram)?.type === 'response') sentBytes += output.datagram.length;
  }
  if (sentBytes > bytes.length * DHT_AMPLIFICATION_MAX) throw new Error('an answer is too long for its query');
  node.handleDeadline(20_000);
  node.assertInvariants();
}
