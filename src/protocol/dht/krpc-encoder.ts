// Messages of the DHT to datagrams. Keys are written in the order that bencoding asks for (BEP 3), straight into one buffer:
// a busy node answers thousands of queries a second.
import { assert } from '../../base/assert.ts';
import { DHT_REPLY_MAX_BYTES } from '../limits.ts';
import type { KrpcQuery, KrpcResponse, WantedFamilies } from './krpc-message.ts';

const BUFFER_BYTES = 2 * DHT_REPLY_MAX_BYTES;
const BYTE_COLON = 0x3a;
const BYTE_D = 0x64;
const BYTE_E = 0x65;
const BYTE_I = 0x69;
const BYTE_L = 0x6c;

export class KrpcEncoder {
  readonly #bytes = new Uint8Array(BUFFER_BYTES);
  readonly #version: Uint8Array | undefined;
  #length = 0;

  /** `version`: the program's mark, sent with each message (BEP 5's `v`). */
  constructor(version?: Uint8Array) {
    this.#version = version;
  }

  query(transactionId: Uint8Array, query: KrpcQuery, options: { readonly isReadOnly?: boolean } = {}): Uint8Array {
    this.#length = 0;
    this.#byte(BYTE_D);
    this.#key('a');
    this.#byte(BYTE_D);
    this.#arguments(query);
    this.#byte(BYTE_E);
    this.#text('q', query.method);
    if (options.isReadOnly === true) this.#integer('ro', 1);
    return this.#finish(transactionId, 'q');
  }

  /** `ownEndpoint`: the receiver's compact address as we see it (BEP 42). */
  response(transactionId: Uint8Array, response: KrpcResponse, ownEndpoint?: Uint8Array): Uint8Array {
    this.#length = 0;
    this.#byte(BYTE_D);
    this.#string('ip', ownEndpoint);
    this.#key('r');
    this.#byte(BYTE_D);
    this.#string('BFpe', response.peerFilter);
    this.#string('BFsd', response.seedFilter);
    this.#string('id', response.id);
    this.#integer('interval', response.sampleIntervalSeconds);
    this.#string('k', response.publicKey);
    this.#string('nodes', response.nodes);
    this.#string('nodes6', response.nodes6);
    this.#integer('num', response.sampleTotal);
    this.#string('samples', response.samples);
    this.#integer('seq', response.seq);
    this.#string('sig', response.signature);
    this.#string('token', response.token);
    this.#raw('v', response.value);
    if (response.values !== undefined && response.values.length > 0) {
      this.#key('values');
      this.#byte(BYTE_L);
      for (const value of response.values) this.#bytesValue(value);
      this.#byte(BYTE_E);
    }
    this.#byte(BYTE_E);
    return this.#finish(transactionId, 'r');
  }

  error(transactionId: Uint8Array, code: number, message: string, ownEndpoint?: Uint8Array): Uint8Array {
    this.#length = 0;
    this.#byte(BYTE_D);
    this.#key('e');
    this.#byte(BYTE_L);
    this.#ascii(`i${code}e${message.length}:${message}`);
    this.#byte(BYTE_E);
    this.#string('ip', ownEndpoint);
    return this.#finish(transactionId, 'e');
  }

  #arguments(query: KrpcQuery): void {
    switch (query.method) {
      case 'ping':
        this.#string('id', query.id);
        return;
      case 'find_node':
      case 'sample_infohashes':
        this.#string('id', query.id);
        this.#string('target', query.target);
        this.#want(query.want);
        return;
      case 'get_peers':
        this.#string('id', query.id);
        this.#string('info_hash', query.target);
        if (query.noSeed === true) this.#integer('noseed', 1);
        if (query.scrape === true) this.#integer('scrape', 1);
        this.#want(query.want);
        return;
      case 'announce_peer':
        this.#string('id', query.id);
        if (query.impliedPort) this.#integer('implied_port', 1);
        this.#string('info_hash', query.infoHash);
        this.#integer('port', query.port);
        if (query.seed) this.#integer('seed', 1);
        this.#string('token', query.token);
        return;
      case 'get':
        this.#string('id', query.id);
        this.#integer('seq', query.seq);
        this.#string('target', query.target);
        this.#want(query.want);
        return;
      case 'put':
        this.#integer('cas', query.mutable?.cas);
        this.#string('id', query.id);
        this.#string('k', query.mutable?.publicKey);
        if (query.mutable !== undefined && query.mutable.salt.length > 0) this.#string('salt', query.mutable.salt);
        this.#integer('seq', query.mutable?.seq);
        this.#string('sig', query.mutable?.signature);
        this.#string('token', query.token);
        this.#raw('v', query.value);
    }
  }

  #want(want: WantedFamilies | undefined): void {
    if (want === undefined) return;
    this.#key('want');
    this.#ascii(`l${want.v4 ? '2:n4' : ''}${want.v6 ? '2:n6' : ''}e`);
  }

  #finish(transactionId: Uint8Array, type: 'q' | 'r' | 'e'): Uint8Array {
    this.#string('t', transactionId);
    this.#string('v', this.#version);
    this.#text('y', type);
    this.#byte(BYTE_E);
    return this.#bytes.slice(0, this.#length);
  }

  #integer(key: string, value: number | undefined): void {
    if (value === undefined) return;
    this.#key(key);
    this.#byte(BYTE_I);
    this.#ascii(String(value));
    this.#byte(BYTE_E);
  }

  #string(key: string, value: Uint8Array | undefined): void {
    if (value === undefined) return;
    this.#key(key);
    this.#bytesValue(value);
  }

  #raw(key: string, value: Uint8Array | undefined): void {
    if (value === undefined) return;
    this.#key(key);
    this.#append(value);
  }

  #text(key: string, value: string): void {
    this.#key(key);
    this.#key(value);
  }

  /** A short ASCII string, as every key is. */
  #key(key: string): void {
    this.#ascii(String(key.length));
    this.#byte(BYTE_COLON);
    this.#ascii(key);
  }

  #bytesValue(value: Uint8Array): void {
    this.#ascii(String(value.length));
    this.#byte(BYTE_COLON);
    this.#append(value);
  }

  #ascii(text: string): void {
    for (let i = 0; i < text.length; i++) this.#byte(text.charCodeAt(i));
  }

  #append(value: Uint8Array): void {
    assert(this.#length + value.length <= BUFFER_BYTES, 'a message of the DHT fits into its buffer');
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  #byte(byte: number): void {
    assert(this.#length < BUFFER_BYTES, 'a message of the DHT fits into its buffer');
    this.#bytes[this.#length++] = byte;
  }
}
