// The tracker of a crowd: a list, and a random handful of it for whoever asks. HTTP without connections: a URL goes in,
// a body comes out two round trips later.
import { concatBytes } from '../../src/base/bytes.ts';
import { type Random, randomBelow } from '../../src/base/random.ts';
import type { Http, HttpHandler, HttpRequest } from '../../src/platform/http.ts';
import type { Endpoint } from '../../src/platform/network.ts';
import { bencode } from '../../src/protocol/bencode/index.ts';
import { compactEndpoint, decodeQuery, text } from '../world/tracker-codec.ts';
import { CallEvent, type EventWheel } from './event-wheel.ts';

export const CROWD_TRACKER_URL = 'http://tracker.sim/announce';

const PEERS_PER_REPLY = 50;
const INTERVAL_SECONDS = 120;
const ANSWER_MS = 100;

export class CrowdTracker {
  readonly #wheel: EventWheel;
  readonly #random: Random;
  readonly #peers: Endpoint[] = [];
  /** Address → place in `#peers`: one peer an address. */
  readonly #placeOf = new Map<string, number>();

  constructor(wheel: EventWheel, random: Random) {
    this.#wheel = wheel;
    this.#random = random;
  }

  get peerCount(): number {
    return this.#peers.length;
  }

  /** HTTP as the computer with this address has it. */
  httpFor(address: string): Http {
    const get = (request: HttpRequest, handler: HttpHandler): CallEvent => {
      const event = new CallEvent(() => {
        const body = this.#announce(address, request.url);
        handler.handleResponse({ status: 200, headers: {}, body, remoteAddress: '45.255.0.1' });
      });
      this.#wheel.schedule(this.#wheel.nowMs + ANSWER_MS, event);
      return event;
    };
    return { get, post: get };
  }

  #announce(address: string, url: string): Uint8Array {
    const query = decodeQuery(url.slice(url.indexOf('?')));
    const drawn = this.#draw(address);
    if (text(query.get('event')) === 'stopped') this.#remove(address);
    else if (!this.#placeOf.has(address)) {
      this.#placeOf.set(address, this.#peers.length);
      this.#peers.push({ address, port: Number(text(query.get('port'))) });
    }
    return bencode({ interval: INTERVAL_SECONDS, peers: concatBytes(drawn.map(compactEndpoint)) });
  }

  /** Different ones, never the one that asks. */
  #draw(address: string): Endpoint[] {
    const peers = this.#peers;
    const count = Math.min(PEERS_PER_REPLY + 1, peers.length);
    for (let i = 0; i < count; i++) this.#swap(i, i + randomBelow(this.#random, peers.length - i));
    return peers
      .slice(0, count)
      .filter((peer) => peer.address !== address)
      .slice(0, PEERS_PER_REPLY);
  }

  #swap(left: number, right: number): void {
    const peers = this.#peers;
    const swapped = peers[left]!;
    peers[left] = peers[right]!;
    peers[right] = swapped;
    this.#placeOf.set(peers[left]!.address, left);
    this.#placeOf.set(peers[right]!.address, right);
  }

  #remove(address: string): void {
    const place = this.#placeOf.get(address);
    if (place === undefined) return;
    this.#swap(place, this.#peers.length - 1);
    this.#peers.pop();
    this.#placeOf.delete(address);
  }
}
