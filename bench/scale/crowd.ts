// Peers that connect, greet and fall silent, all in one light process of their own: each from its own loopback address, with a
// handshake, a bitfield of half the pieces and an extension handshake, and never another byte.
// crowd.js PORT TORRENT_DIR COUNT PEERS_PER_TORRENT. Prints {"event":"connected"} once the other side has greeted all of them, and answers
// each line on standard input with how many still stand.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Dialled and not yet greeted: fewer than a client lets wait for a handshake. */
const DIALS_AT_ONCE = 10;
const HANDSHAKE_BYTES = 68;

const [port = '', torrentDir = '', count = '', perTorrent = ''] = process.argv.slice(2);
const sockets = new Set<Socket>();

interface Swarm {
  readonly infoHash: Buffer;
  readonly pieceCount: number;
}

/** The benchmark's own torrents end with the info dictionary. */
function readSwarm(index: number): Swarm {
  const bytes = readFileSync(join(torrentDir, `${String(index).padStart(5, '0')}.torrent`));
  const info = bytes.subarray(bytes.indexOf('4:info') + 6, bytes.length - 1);
  const pieces = /6:pieces(\d+):/.exec(info.toString('latin1'));
  return { infoHash: createHash('sha1').update(info).digest(), pieceCount: Number(pieces?.[1] ?? 0) / 20 };
}

function message(id: number, payload: Uint8Array): Buffer {
  const frame = Buffer.alloc(5 + payload.length);
  frame.writeUInt32BE(1 + payload.length, 0);
  frame[4] = id;
  frame.set(payload, 5);
  return frame;
}

function greetingOf({ infoHash, pieceCount }: Swarm): Buffer {
  const reserved = Buffer.from([0, 0, 0, 0, 0, 0x10, 0, 0x04]);
  const bitfield = Buffer.alloc(Math.ceil(pieceCount / 8));
  for (let piece = 0; piece < pieceCount; piece += 2) bitfield[piece >> 3]! |= 0x80 >> (piece & 7);
  const extensions = Buffer.from('\0d1:md6:ut_pexi1e11:ut_metadatai2ee4:reqqi250e1:v17:Quiet Crowd 1.0.0e');
  return Buffer.concat([
    Buffer.from('\x13BitTorrent protocol', 'latin1'),
    reserved,
    infoHash,
    Buffer.from('-QC1000-'),
    randomBytes(12),
    message(5, bitfield),
    message(20, extensions),
  ]);
}

function dial(index: number): Promise<void> {
  const swarm = readSwarm(Math.floor(index / Number(perTorrent)));
  return new Promise((resolve, reject) => {
    const localAddress = `127.1.${Math.floor(index / 250)}.${(index % 250) + 1}`;
    const socket = connect({ host: '127.0.0.1', port: Number(port), localAddress });
    let receivedBytes = 0;
    sockets.add(socket);
    socket.on('connect', () => socket.write(greetingOf(swarm)));
    socket.on('data', (bytes) => {
      receivedBytes += bytes.length;
      if (receivedBytes > HANDSHAKE_BYTES) resolve();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      sockets.delete(socket);
      reject(new Error(`peer ${index} was turned away`));
    });
  });
}

let next = 0;
const dialOneAfterTheOther = async (): Promise<void> => {
  while (next < Number(count)) await dial(next++);
};
await Promise.all(Array.from({ length: DIALS_AT_ONCE }, dialOneAfterTheOther));
console.log(JSON.stringify({ event: 'connected' }));
for await (const _line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify({ event: 'standing', count: sockets.size }));
}
