// Trackers in a simulated world, over HTTP (BEP 3, 7, 23) and UDP (BEP 15): they really keep the swarm, and they can be
// told to fail in the ways that trackers fail. Every announce is remembered for the checks.
import { bytesToHex, concatBytes, encodeUtf8, readUint16, readUint32, writeUint32 } from '../../src/base/bytes.ts';
import { type Random, randomBelow, randomBytes } from '../../src/base/random.ts';
import type { Endpoint, UdpSocket } from '../../src/platform/network.ts';
import { bencode } from '../../src/protocol/bencode/index.ts';
import type { SimHost } from './sim-host.ts';
import type { SimWeb, SimWebAnswer } from './sim-http.ts';
import { compactEndpoint, decodeQuery, isV4, text } from './tracker-codec.ts';
import type { VirtualClock } from './virtual-clock.ts';

export type TrackerMode = 'ok' | 'silent' | 'error' | 'garbage' | 'huge' | 'failure';

export interface TrackerAnnounce {
  readonly atMs: number;
  readonly kind: 'http' | 'udp';
  readonly infoHash: string;
  readonly peerId: string;
  readonly event: string;
  readonly address: string;
  readonly port: number;
  readonly left: number;
  readonly downloaded: number;
  readonly uploaded: number;
}

export interface SimTrackerOptions {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly host: SimHost;
  readonly web: SimWeb;
  readonly port?: number;
  /** Told to clients. @defaultValue 120 */
  readonly intervalSeconds?: number;
}

const PEERS_PER_REPLY = 50;
const UDP_PROTOCOL_HIGH = 0x417;
const UDP_PROTOCOL_LOW = 0x27101980;

export class SimTracker {
  mode: TrackerMode = 'ok';
  readonly announces: TrackerAnnounce[] = [];
  readonly #options: SimTrackerOptions;
  readonly #intervalSeconds: number;
  readonly #swarms = new Map<string, Map<string, TrackerAnnounce>>();
  readonly #udp: UdpSocket;

  constructor(options: SimTrackerOptions) {
    const { host, web, port = 80 } = options;
    this.#options = options;
    this.#intervalSeconds = options.intervalSeconds ?? 120;
    web.listen(host, port, (url, address) => this.#handleHttp(url, address));
    this.#udp = host.bindUdp(
      { address: '0.0.0.0', port },
      {
        handleListening: () => {},
        handleFailed: () => {},
        handleDatagram: (datagram, remote) => this.#handleDatagram(datagram, remote),
      },
    );
  }

  /** Endpoints that are in the swarm now. */
  peersOf(infoHash: Uint8Array): readonly TrackerAnnounce[] {
    return [...(this.#swarms.get(bytesToHex(infoHash))?.values() ?? [])];
  }

  /** Lists an endpoint that never announced, such as a scripted peer. */
  addPeer(infoHash: Uint8Array, { address, port }: Endpoint): void {
    this.#swarm(bytesToHex(infoHash)).set(`${address} ${port}`, {
      atMs: this.#options.clock.nowMs,
      kind: 'http',
      infoHash: bytesToHex(infoHash),
      peerId: '',
      event: '',
      address,
      port,
      left: 0,
      downloaded: 0,
      uploaded: 0,
    });
  }

  #swarm(infoHash: string): Map<string, TrackerAnnounce> {
    let swarm = this.#swarms.get(infoHash);
    if (swarm === undefined) {
      swarm = new Map();
      this.#swarms.set(infoHash, swarm);
    }
    return swarm;
  }

  /** Enters the announce and draws peers for the reply, never the one that asks. */
  #announce(announce: TrackerAnnounce): TrackerAnnounce[] {
    this.announces.push(announce);
    const swarm = this.#swarm(announce.infoHash);
    const key = `${announce.address} ${announce.port}`;
    const others = [...swarm.entries()].filter(([other]) => other !== key).map(([, peer]) => peer);
    if (announce.event === 'stopped') swarm.delete(key);
    else swarm.set(key, announce);
    while (others.length > PEERS_PER_REPLY) others.splice(randomBelow(this.#options.random, others.length), 1);
    return others;
  }

  #handleHttp(url: URL, address: string): SimWebAnswer | undefined {
    if (this.mode === 'silent') return undefined;
    if (this.mode === 'error') return { status: 500, body: encodeUtf8('out of order') };
    if (this.mode === 'garbage') return { status: 200, body: randomBytes(this.#options.random, new Uint8Array(300)) };
    if (this.mode === 'huge') return { status: 200, body: new Uint8Array(2_000_000) };
    if (this.mode === 'failure') return { status: 200, body: bencode({ 'failure reason': 'not here' }) };
    const query = decodeQuery(url.search);
    const number = (name: string): number => Number(text(query.get(name)) || '0');
    const infoHash = query.get('info_hash');
    if (!url.pathname.startsWith('/announce') || infoHash?.length !== 20)
      return { status: 400, body: new Uint8Array(0) };
    const peers = this.#announce({
      atMs: this.#options.clock.nowMs,
      kind: 'http',
      infoHash: bytesToHex(infoHash),
      peerId: bytesToHex(query.get('peer_id') ?? new Uint8Array(0)),
      event: text(query.get('event')),
      address,
      port: number('port'),
      left: number('left'),
      downloaded: number('downloaded'),
      uploaded: number('uploaded'),
    });
    const seedCount = peers.filter(({ left }) => left === 0).length;
    const body = bencode({
      complete: seedCount,
      incomplete: peers.length - seedCount,
      interval: this.#intervalSeconds,
      peers: concatBytes(peers.filter(isV4).map(compactEndpoint)),
      peers6: concatBytes(peers.filter((peer) => !isV4(peer)).map(compactEndpoint)),
    });
    return { status: 200, body };
  }

  #handleDatagram(datagram: Uint8Array, remote: Endpoint): void {
    if (this.mode === 'silent' || datagram.length < 16) return;
    const action = readUint32(datagram, 8);
    const reply = (bytes: Uint8Array): void => this.#udp.send(bytes, remote);
    if (this.mode !== 'ok') {
      const message = randomBytes(this.#options.random, new Uint8Array(40));
      if (this.mode === 'failure' || this.mode === 'error') {
        writeUint32(message, 0, 3);
        message.set(datagram.subarray(12, 16), 4);
        message.fill(0x78, 8);
      }
      reply(message);
    } else if (
      action === 0 &&
      readUint32(datagram, 0) === UDP_PROTOCOL_HIGH &&
      readUint32(datagram, 4) === UDP_PROTOCOL_LOW
    ) {
      const answer = new Uint8Array(16);
      answer.set(datagram.subarray(12, 16), 4);
      answer.set(datagram.subarray(12, 16), 8);
      writeUint32(answer, 12, remote.port);
      reply(answer);
    } else if (action === 1 && datagram.length >= 98) {
      reply(this.#announceUdp(datagram, remote));
    }
  }

  #announceUdp(datagram: Uint8Array, remote: Endpoint): Uint8Array {
    const number = (offset: number): number =>
      readUint32(datagram, offset) * 2 ** 32 + readUint32(datagram, offset + 4);
    const announce: TrackerAnnounce = {
      atMs: this.#options.clock.nowMs,
      kind: 'udp',
      infoHash: bytesToHex(datagram.subarray(16, 36)),
      peerId: bytesToHex(datagram.subarray(36, 56)),
      event: ['', 'completed', 'started', 'stopped'][readUint32(datagram, 80)] ?? '',
      address: remote.address,
      port: readUint16(datagram, 96),
      left: number(64),
      downloaded: number(56),
      uploaded: number(72),
    };
    const peers = this.#announce(announce);
    const head = new Uint8Array(20);
    writeUint32(head, 0, 1);
    head.set(datagram.subarray(12, 16), 4);
    writeUint32(head, 8, this.#intervalSeconds);
    writeUint32(head, 12, peers.filter(({ left }) => left > 0).length);
    writeUint32(head, 16, peers.filter(({ left }) => left === 0).length);
    const sameFamily = peers.filter((peer) => isV4(peer) === isV4(remote));
    return concatBytes([head, ...sameFamily.map(compactEndpoint)]);
  }
}
