// Light seeds, many in one process: each listens on a port of its own, has the whole torrent, and gives it to whoever asks at
// a fixed rate. They share one open file. Nothing is checked and nobody is choked, so that the leecher decides.
//
// light-seeds FILE TORRENT FIRST_PORT COUNT BYTES_PER_SECOND   (TORRENT: see torrent-view; the rate is that of each seed)
import { openSync, readvSync } from 'node:fs';
import net from 'node:net';
import { Bitfield } from '../../../src/base/bitfield.ts';
import { WIRE_MESSAGE_MAX_BYTES } from '../../../src/protocol/limits.ts';
import { encodeHandshake, HANDSHAKE_BYTES } from '../../../src/protocol/wire/handshake.ts';
import { WireDecoder } from '../../../src/protocol/wire/wire-decoder.ts';
import {
  PIECE_HEADER_BYTES,
  WireWriter,
  writeBitfield,
  writePieceHeader,
  writeUnchoke,
} from '../../../src/protocol/wire/wire-encoder.ts';
import { WIRE_CANCEL, WIRE_NEED_MORE, WIRE_REQUEST, WIRE_VIOLATION } from '../../../src/protocol/wire/wire-event.ts';
import { type BlockPlace, decodeView, peerIdOf, pieceCountOf } from './torrent-view.ts';

const BATCH_BYTES = 128 * 1024;
const TICK_MS = 2;
/** A seed that was held up catches up by this much, so that its average holds. */
const CATCH_UP_MS = 50;
/** Beyond it the leecher is slower than the seed: what it does not take is lost. */
const SOCKET_MAX_BYTES = 1024 * 1024;

const [path = '', viewText = '', firstPort = '', count = '', rate = ''] = process.argv.slice(2);
const view = decodeView(viewText);
const bytesPerMs = Number(rate) / 1000;
const file = openSync(path, 'r');
const writer = new WireWriter();
const connections = new Set<SeedConnection>();

class SeedConnection {
  readonly #socket: net.Socket;
  readonly #decoder = new WireDecoder({ maxMessageBytes: WIRE_MESSAGE_MAX_BYTES });
  #handshakeBytes = 0;
  #requests: BlockPlace[] = [];
  #freeAtMs = performance.now();

  constructor(socket: net.Socket, index: number) {
    this.#socket = socket;
    this.#decoder.pieceCount = pieceCountOf(view);
    socket.setNoDelay(true);
    const plain = { extensionProtocol: false, fast: false, dht: false, v2: false };
    socket.write(encodeHandshake({ infoHash: view.infoHash, peerId: peerIdOf('seed', index), ...plain }));
    writeBitfield(writer, Bitfield.full(pieceCountOf(view)));
    writeUnchoke(writer);
    socket.write(writer.take());
    socket.on('data', (bytes) => this.#handleData(bytes));
    socket.on('error', () => undefined); // the leecher is gone
    socket.on('close', () => connections.delete(this));
  }

  #handleData(bytes: Uint8Array): void {
    const start = Math.min(bytes.length, HANDSHAKE_BYTES - this.#handshakeBytes);
    this.#handshakeBytes += start;
    const decoder = this.#decoder;
    decoder.push(bytes, start);
    for (let event = decoder.next(); event !== WIRE_NEED_MORE; event = decoder.next()) {
      const { pieceIndex, begin, length: lengthBytes } = decoder;
      if (event === WIRE_REQUEST) this.#requests.push({ pieceIndex, begin, lengthBytes });
      else if (event === WIRE_CANCEL) {
        this.#requests = this.#requests.filter((other) => other.pieceIndex !== pieceIndex || other.begin !== begin);
      } else if (event === WIRE_VIOLATION) this.#socket.destroy();
    }
  }

  /** Sends what is due by now. */
  serve(nowMs: number): void {
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs - CATCH_UP_MS);
    while (this.#freeAtMs <= nowMs && this.#requests.length > 0 && this.#socket.writableLength < SOCKET_MAX_BYTES) {
      this.#freeAtMs += this.#sendBatch() / bytesPerMs;
    }
  }

  /** The next requests that follow one another, read at once, sent at once. Gives their bytes. */
  #sendBatch(): number {
    const first = this.#requests[0]!;
    let blockCount = 0;
    let payloadBytes = 0;
    for (const { pieceIndex, begin, lengthBytes } of this.#requests) {
      const continues = pieceIndex === first.pieceIndex && begin === first.begin + payloadBytes;
      if (!continues || payloadBytes + lengthBytes > BATCH_BYTES) break;
      blockCount++;
      payloadBytes += lengthBytes;
    }
    const bytes = Buffer.allocUnsafeSlow(payloadBytes + blockCount * PIECE_HEADER_BYTES);
    const targets: Uint8Array[] = [];
    let offset = 0;
    for (const { pieceIndex, begin, lengthBytes } of this.#requests.splice(0, blockCount)) {
      writePieceHeader(bytes, offset, pieceIndex, begin, lengthBytes);
      offset += PIECE_HEADER_BYTES;
      targets.push(bytes.subarray(offset, offset + lengthBytes));
      offset += lengthBytes;
    }
    readvSync(file, targets, first.pieceIndex * view.pieceLengthBytes + first.begin);
    this.#socket.write(bytes);
    return payloadBytes;
  }
}

let listeningCount = 0;
for (let index = 0; index < Number(count); index++) {
  const server = net.createServer((socket) => connections.add(new SeedConnection(socket, index)));
  server.listen(Number(firstPort) + index, () => {
    if (++listeningCount === Number(count)) console.log('ready');
  });
}
setInterval(() => {
  const nowMs = performance.now();
  for (const connection of connections) connection.serve(nowMs);
}, TICK_MS);
