// Light leechers, many in one process: each speaks the wire protocol with one seed, asks for the blocks of the torrent one after
// the other, and throws them away. Nothing is hashed, written or passed on, so that the seed decides. Ends when all of them
// together have what was asked for.
//
// sink-leechers HOST PORT TORRENT COUNT BYTES   (TORRENT: see torrent-view; BYTES: of all together)
import net from 'node:net';
import { OUTGOING_REQUESTS_MAX, WIRE_MESSAGE_MAX_BYTES } from '../../../src/protocol/limits.ts';
import { encodeHandshake, HANDSHAKE_BYTES } from '../../../src/protocol/wire/handshake.ts';
import { WireDecoder } from '../../../src/protocol/wire/wire-decoder.ts';
import { WireWriter, writeInterested, writeRequest } from '../../../src/protocol/wire/wire-encoder.ts';
import {
  WIRE_BLOCK_DATA,
  WIRE_CHOKE,
  WIRE_NEED_MORE,
  WIRE_UNCHOKE,
  WIRE_VIOLATION,
} from '../../../src/protocol/wire/wire-event.ts';
import { blockAt, blockCountOf, decodeView, peerIdOf, pieceCountOf } from './torrent-view.ts';

const READ_BYTES = 512 * 1024;
/** Every client's queue takes so many. */
const REQUESTS_MAX = Math.min(250, OUTGOING_REQUESTS_MAX);
/** Requests leave together: one write for many. */
const REQUESTS_TOGETHER = 32;

const [host = '', port = '', viewText = '', count = '', bytes = ''] = process.argv.slice(2);
const view = decodeView(viewText);
const wantedBytes = Number(bytes);
const buffer = new Uint8Array(READ_BYTES);
const writer = new WireWriter();
let receivedBytes = 0;
let firstBlockMs = 0;
let isComplete = false;

class SinkLeecher {
  readonly #socket: net.Socket;
  readonly #decoder = new WireDecoder({ maxMessageBytes: WIRE_MESSAGE_MAX_BYTES });
  readonly #firstBlock: number;
  readonly #onGreeted: () => void;
  #handshakeBytes = 0;
  #isChoked = true;
  #askedCount = 0;
  #gotCount = 0;
  receivedBytes = 0;

  constructor(index: number, leecherCount: number, onGreeted: () => void) {
    this.#onGreeted = onGreeted;
    // Leechers stand at different places of the torrent, as in a swarm.
    this.#firstBlock = Math.floor((blockCountOf(view) * index) / leecherCount);
    this.#decoder.pieceCount = pieceCountOf(view);
    const onread = { buffer, callback: (length: number) => this.#handleRead(length) };
    this.#socket = net.connect({ host, port: Number(port), noDelay: true, onread });
    this.#socket.on('connect', () => {
      const plain = { extensionProtocol: false, fast: false, dht: false, v2: false };
      this.#socket.write(encodeHandshake({ infoHash: view.infoHash, peerId: peerIdOf('sink', index), ...plain }));
    });
    this.#socket.on('close', () => {
      if (!isComplete) fail(`the seed closed connection ${index} after ${this.#gotCount} blocks`);
    });
    this.#socket.on('error', (error) => fail(error.message));
  }

  begin(): void {
    writeInterested(writer);
    this.#socket.write(writer.take());
    this.#ask();
  }

  #handleRead(length: number): boolean {
    let start = 0;
    if (this.#handshakeBytes < HANDSHAKE_BYTES) {
      start = Math.min(length, HANDSHAKE_BYTES - this.#handshakeBytes);
      this.#handshakeBytes += start;
      if (this.#handshakeBytes === HANDSHAKE_BYTES) this.#onGreeted();
    }
    this.#decoder.push(buffer, start, length);
    for (let event = this.#decoder.next(); event !== WIRE_NEED_MORE; event = this.#decoder.next()) {
      if (event === WIRE_BLOCK_DATA) this.#handleBlock();
      else if (event === WIRE_UNCHOKE) this.#isChoked = false;
      else if (event === WIRE_CHOKE) {
        // Without the Fast extension a choke drops every request that waits (BEP 3).
        this.#isChoked = true;
        this.#askedCount = this.#gotCount;
      } else if (event === WIRE_VIOLATION) fail(`the seed broke a rule: ${this.#decoder.violation.code}`);
    }
    this.#ask();
    return true;
  }

  #handleBlock(): void {
    const { blockIsLast, dataStart, dataEnd } = this.#decoder;
    if (firstBlockMs === 0) firstBlockMs = performance.now();
    this.receivedBytes += dataEnd - dataStart;
    receivedBytes += dataEnd - dataStart;
    if (!blockIsLast) return;
    this.#gotCount++;
    if (receivedBytes >= wantedBytes && !isComplete) finish();
  }

  #ask(): void {
    const room = REQUESTS_MAX - (this.#askedCount - this.#gotCount);
    if (this.#isChoked || isComplete || room < REQUESTS_TOGETHER) return;
    const blockCount = blockCountOf(view);
    for (let i = 0; i < room; i++) {
      const place = blockAt(view, (this.#firstBlock + this.#askedCount++) % blockCount);
      writeRequest(writer, place.pieceIndex, place.begin, place.lengthBytes);
    }
    this.#socket.write(writer.take());
  }
}

const leechers: SinkLeecher[] = [];

/** One after the other, so that no seed takes them for a flood; all begin together. */
function connectNext(): void {
  if (leechers.length === Number(count)) for (const leecher of leechers) leecher.begin();
  else leechers.push(new SinkLeecher(leechers.length, Number(count), connectNext));
}

function finish(): void {
  isComplete = true;
  const transferSeconds = (performance.now() - firstBlockMs) / 1000;
  const shares = leechers.map((leecher) => leecher.receivedBytes);
  console.log(JSON.stringify({ event: 'complete', transferSeconds, receivedBytes, shares }));
}

function fail(reason: string): void {
  console.error(reason);
  process.exit(1);
}

connectNext();
// Stays until it is told to go: its account is read meanwhile.
setInterval(() => undefined, 1_000);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(0));
