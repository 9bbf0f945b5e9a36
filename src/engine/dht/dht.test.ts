// Goal: what is wanted of the DHT before its socket is there is done once it is. Method: a socket that begins to listen when the
// test says so, and a clock that stands still.
import { expect, test } from 'vitest';
import { nodeCrypto } from '../../../sim/testing/node-crypto.ts';
import { seededRandom } from '../../base/random.ts';
import type { Endpoint, UdpSocketHandler } from '../../platform/network.ts';
import type { Platform } from '../../platform/platform.ts';
import { createContact } from '../../protocol/dht/contact.ts';
import { decodeKrpc } from '../../protocol/dht/krpc-decode.ts';
import { KrpcEncoder } from '../../protocol/dht/krpc-encoder.ts';
import { randomNodeId } from '../../protocol/dht/node-id.ts';
import { encodeDhtState } from '../../protocol/dht/saved-state.ts';
import { ExternalAddress } from '../../swarm/external-address.ts';
import { DeadlineQueue } from '../deadline-queue.ts';
import type { UdpMux } from '../session/udp-mux.ts';
import { Dht } from './dht.ts';

const random = seededRandom(1);
const SAVED: Endpoint = { address: '192.0.2.7', port: 6881 };
const OTHER: Endpoint = { address: '198.51.100.7', port: 7000 };
const LOCAL: Endpoint = { address: '0.0.0.0', port: 6881 };

function create() {
  const sent: { readonly datagram: Uint8Array; readonly remote: Endpoint }[] = [];
  const handlers = new Map<4 | 6, UdpSocketHandler>();
  const clock = { nowMs: () => 0, wallTimeMs: () => 0, schedule: () => ({ cancel: () => {} }) };
  const mux = {
    open: (family: 4 | 6, _: string, handler: UdpSocketHandler) => {
      handlers.set(family, handler);
      return { send: (datagram: Uint8Array, remote: Endpoint) => sent.push({ datagram, remote }), close: () => {} };
    },
  } as unknown as UdpMux;
  const resolver = { resolve: () => ({ cancel: () => {} }) };
  const platform = { clock, crypto: nodeCrypto(random), log: { write: () => {} }, resolver } as unknown as Platform;
  const v4 = [createContact(randomNodeId(random), SAVED)!];
  const ids = { v4: randomNodeId(random), v6: randomNodeId(random) };
  const dht = new Dht({
    platform,
    deadlines: new DeadlineQueue(clock, () => {}),
    mux,
    externalAddress: new ExternalAddress(),
    externalPortOf: (port) => port,
    bootstrap: [],
    state: encodeDhtState({ ids, nodes: { v4, v6: [] } }),
    isReadOnly: false,
  });
  return { dht, sent, handlers };
}

test('saved nodes and pings are not asked before there is a socket to ask them from', () => {
  const { dht, sent, handlers } = create();
  const answers: unknown[] = [];
  dht.ping(OTHER, ({ contact }) => answers.push(contact?.port));
  // As a look-up would see it: nothing that waits for an answer has been lost.
  expect(sent).toEqual([]);
  handlers.get(4)!.handleListening(LOCAL);
  const methodTo = (remote: Endpoint): unknown[] =>
    sent.filter(({ remote: { address } }) => address === remote.address).map(({ datagram }) => decodeKrpc(datagram));
  expect(methodTo(SAVED)).toMatchObject([{ type: 'query', query: { method: 'find_node' } }]);
  const [ping] = methodTo(OTHER) as { readonly transactionId: Uint8Array }[];
  expect(ping).toMatchObject({ type: 'query', query: { method: 'ping' } });
  const answer = new KrpcEncoder().response(ping!.transactionId, { id: randomNodeId(random) });
  handlers.get(4)!.handleDatagram(answer, OTHER);
  expect(answers).toEqual([OTHER.port]);
});

test('without a socket for good a ping is answered with nothing', () => {
  const { dht, handlers } = create();
  const answers: unknown[] = [];
  dht.ping(OTHER, ({ contact }) => answers.push(contact));
  handlers.get(4)!.handleFailed({ code: 'PERMISSION_DENIED', message: 'no' });
  expect(answers).toEqual([undefined]);
  dht.ping(OTHER, ({ contact }) => answers.push(contact));
  expect(answers).toEqual([undefined, undefined]);
});
