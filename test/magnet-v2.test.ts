// Goal: v2 and hybrid magnet links work between two real sessions. Method: Node's own sockets and files on loopback;
// the leecher is told the seed's address and nothing else.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTorrent, Session } from '../src/index.ts';

/** Nothing leaves this computer. */
const QUIET = { dht: false, localDiscovery: false, portMapping: false } as const;

const PIECE_BYTES = 32_768;
const FILES: readonly (readonly [string, number])[] = [
  // More pieces than one hash request is for, and one piece beyond.
  ['long.bin', 513 * PIECE_BYTES],
  ['one block.bin', 100],
  ['sub/two pieces.bin', 2 * PIECE_BYTES],
  ['sub/short end.bin', 5 * PIECE_BYTES + 12_345],
  ['zero', 0],
];

let folder = '';
const sessions: Session[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-magnet-'));
  await mkdir(join(folder, 'seed', 'album', 'sub'), { recursive: true });
  for (const [path, lengthBytes] of FILES) {
    const bytes = new Uint8Array(lengthBytes);
    for (let i = 0; i < lengthBytes; i += 1_000)
      bytes.set(
        createHash('sha256')
          .update(`${path} ${i}`)
          .digest()
          .subarray(0, lengthBytes - i),
        i,
      );
    await writeFile(join(folder, 'seed', 'album', path), bytes);
  }
});

afterEach(async () => {
  for (const session of sessions.splice(0)) await session.close({ timeoutMs: 0 });
  await rm(folder, { recursive: true });
});

async function openSession(): Promise<Session> {
  const session = await Session.open({ listenPort: 0, bind: '127.0.0.1', trackers: false, ...QUIET });
  sessions.push(session);
  return session;
}

test.each(['v2', 'hybrid'] as const)('a %s torrent from its magnet link', async (format) => {
  const album = join(folder, 'seed', 'album');
  const { bytes, magnet } = await createTorrent(album, { format, pieceLengthBytes: PIECE_BYTES });
  const seed = await openSession();
  const seeding = await seed.add(bytes, { saveTo: join(folder, 'seed'), seedOnly: true });
  await seeding.whenReady();

  const leecher = await openSession();
  const states: string[] = [];
  const torrent = await leecher.add(magnet, {
    saveTo: join(folder, 'leech'),
    peers: [`127.0.0.1:${seed.listening[0]!.port}`],
  });
  torrent.on('stateChanged', ({ state }) => void states.push(state));
  await torrent.whenComplete();

  expect(states).toEqual(['checking', 'downloading', 'seeding']);
  expect(torrent.infoHashV2).toBe(seeding.infoHashV2);
  for (const [path] of FILES) {
    const received = await readFile(join(folder, 'leech', 'album', path));
    expect(received.equals(await readFile(join(album, path))), path).toBe(true);
  }
  // Only a torrent that has its layers can tell a file whose v2 hash is wrong, and serve the next leecher.
  const second = await openSession();
  await seed.close({ timeoutMs: 0 });
  const again = await second.add(magnet, {
    saveTo: join(folder, 'second'),
    peers: [`127.0.0.1:${leecher.listening[0]!.port}`],
  });
  await again.whenComplete();
  expect(again.stats().havePieceCount).toBe(torrent.pieceCount);
});
