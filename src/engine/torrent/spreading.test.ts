// Goal: what a seed tells its peers about its pieces, and what a leecher makes of it. Method: one real torrent and scripted
// peers in a simulated world.
import { expect, test } from 'vitest';
import { nodeCrypto } from '../../../sim/testing/node-crypto.ts';
import type { FakeConnection } from '../../../sim/world/fake-peer.ts';
import * as wire from '../../../sim/world/raw-wire.ts';
import type { SimContent } from '../../../sim/world/sim-content.ts';
import type { SimPeer } from '../../../sim/world/sim-peer.ts';
import { SimWorld } from '../../../sim/world/sim-world.ts';
import { BLOCK_BYTES } from '../../protocol/limits.ts';

const PIECES = 40;
const PORT = 6881;
const TEXT = new TextDecoder('latin1');

/** What a scripted leecher was told. */
class Taker {
  readonly connection: FakeConnection;
  readonly haves: number[] = [];
  readonly suggested: number[] = [];
  readonly rejected: number[] = [];
  readonly blocks: number[] = [];
  extensionHandshake = '';

  constructor(world: SimWorld, content: SimContent, seed: SimPeer, first: readonly Uint8Array[]) {
    const fake = world.addFakePeer({
      content,
      reserved: wire.RESERVED_FAST_AND_EXTENSIONS,
      isListed: false,
      script: {
        handleHandshake: (opened) => opened.send(...first, wire.rawMessage(wire.INTERESTED)),
        handleMessage: (_, { id, payload }) => this.#handle(id, payload),
      },
    });
    this.connection = fake.connect({ address: seed.host.addresses[0]!, port: PORT });
  }

  get ids(): readonly number[] {
    return this.connection.receivedIds;
  }

  ask(pieceIndex: number): void {
    this.connection.send(wire.rawMessage(wire.REQUEST, [pieceIndex, 0, BLOCK_BYTES]));
  }

  got(pieceIndex: number): void {
    this.connection.send(wire.rawMessage(wire.HAVE, [pieceIndex]));
  }

  #handle(id: number, payload: Uint8Array): void {
    const number = payload.length < 4 ? -1 : new DataView(payload.buffer, payload.byteOffset).getUint32(0);
    if (id === wire.HAVE) this.haves.push(number);
    if (id === wire.SUGGEST) this.suggested.push(number);
    if (id === wire.REJECT) this.rejected.push(number);
    if (id === wire.PIECE) this.blocks.push(number);
    if (id === wire.EXTENDED && payload[0] === 0) this.extensionHandshake = TEXT.decode(payload.subarray(1));
  }
}

function seedWorld(superSeeding: boolean): { world: SimWorld; seed: SimPeer; join(...first: Uint8Array[]): Taker } {
  const world = new SimWorld({ seed: 1, crypto: nodeCrypto(), link: { latencyMs: 5 } });
  const content = world.makeContent({ pieceCount: PIECES, pieceLengthBytes: 262_144 });
  const seed = world.addPeer({ content, has: 'all', torrent: { superSeeding } });
  world.run(1_000);
  const join = (...first: Uint8Array[]): Taker => {
    const taker = new Taker(world, content, seed, first.length > 0 ? first : [wire.rawMessage(wire.HAVE_NONE)]);
    world.run(1_000);
    return taker;
  };
  return { world, seed, join };
}

const bitfieldOf = (byte: number): Uint8Array =>
  wire.rawMessage(wire.BITFIELD, [], new Uint8Array(PIECES / 8).fill(byte));

test('a seed of rare pieces suggests to each peer other ones, before it unchokes it, and a next one for each begun', () => {
  const { world, join } = seedWorld(false);
  const [first, second] = [join(), join()];
  expect(first.suggested).toHaveLength(2);
  expect(first.ids.indexOf(wire.SUGGEST)).toBeLessThan(first.ids.indexOf(wire.UNCHOKE));
  expect(new Set([...first.suggested, ...second.suggested]).size).toBe(4);
  expect(first.ids).not.toContain(wire.ALLOWED_FAST);
  first.ask(first.suggested[0]!);
  world.run(1_000);
  expect(first.suggested).toHaveLength(3);
  // Not what was suggested: it is given all the same, and suggested to nobody else.
  const other = Array.from({ length: PIECES }, (_, piece) => piece).find(
    (piece) => ![...first.suggested, ...second.suggested].includes(piece),
  )!;
  first.ask(other);
  world.run(1_000);
  expect(first.blocks).toContain(other);
  expect(join().suggested).not.toContain(other);
});

test('where every piece has copies enough nothing is suggested, and choked peers may fetch something', () => {
  const { join } = seedWorld(false);
  for (let i = 0; i < 3; i++) join(bitfieldOf(0xf0));
  for (let i = 0; i < 3; i++) join(bitfieldOf(0x0f));
  const last = join();
  expect(last.ids).toContain(wire.UNCHOKE);
  expect(last.suggested).toEqual([]);
  expect(last.ids).toContain(wire.ALLOWED_FAST);
});

test('a super-seed looks like a newcomer and refuses what it has not shown', () => {
  const { world, seed, join } = seedWorld(true);
  const taker = join();
  expect(taker.ids).toContain(wire.HAVE_NONE);
  for (const id of [wire.HAVE_ALL, wire.BITFIELD, wire.ALLOWED_FAST, wire.SUGGEST]) expect(taker.ids).not.toContain(id);
  expect(taker.extensionHandshake).toContain('11:upload_onlyi0e');
  expect(taker.ids).toContain(wire.UNCHOKE);
  expect(taker.haves.length).toBeGreaterThan(0);
  expect(taker.haves.length).toBeLessThan(4);
  const hidden = [0, 1, 2, 3, 4].find((piece) => !taker.haves.includes(piece))!;
  taker.ask(hidden);
  taker.ask(taker.haves[0]!);
  world.run(1_000);
  expect(taker.rejected).toEqual([hidden]);
  expect(taker.blocks).toEqual([taker.haves[0]]);
  expect(seed.torrent.stats().isSuperSeeding).toBe(true);
});

test('who passes nothing on is shown little; what is seen at another opens the next', () => {
  const { world, join } = seedWorld(true);
  const takers = [join(), join(), join()];
  const [keeper, other] = takers;
  // It gets whatever it is shown, and nobody else gets anything.
  let shownCount = 0;
  while (keeper!.haves.length > shownCount) {
    const shown = keeper!.haves.slice(shownCount);
    shownCount = keeper!.haves.length;
    for (const piece of shown) {
      keeper!.ask(piece);
      keeper!.got(piece);
    }
    world.run(100);
  }
  expect(shownCount).toBeLessThan(12);
  other!.got(keeper!.haves[0]!);
  world.run(100);
  expect(keeper!.haves.length).toBeGreaterThan(shownCount);
  // Different ones to different peers.
  const all = takers.flatMap(({ haves }) => haves);
  expect(new Set(all).size).toBe(all.length);
  // The wait has an end, for pieces that were got and for one that is not wanted.
  shownCount = keeper!.haves.length;
  world.run(80_000);
  expect(keeper!.haves.length).toBeGreaterThan(shownCount);
});

test('it ends by itself once two others have everything, and then shows everything', () => {
  const { world, seed, join } = seedWorld(true);
  const taker = join();
  join(wire.rawMessage(wire.HAVE_ALL));
  expect(seed.torrent.stats().isSuperSeeding).toBe(true);
  join(wire.rawMessage(wire.HAVE_ALL));
  world.run(1_000);
  expect(seed.torrent.stats().isSuperSeeding).toBe(false);
  expect(taker.haves.toSorted((a, b) => a - b)).toEqual(Array.from({ length: PIECES }, (_, piece) => piece));
  expect(join().ids).toContain(wire.HAVE_ALL);
});

test('it ends once each piece is at two peers, or when the user says so', () => {
  const { world, seed, join } = seedWorld(true);
  const taker = join();
  for (const byte of [0xf0, 0xf0, 0x0f]) join(bitfieldOf(byte));
  expect(seed.torrent.stats().isSuperSeeding).toBe(true);
  world.run(10_000);
  expect(taker.haves.length).toBeLessThan(PIECES);
  join(bitfieldOf(0x0f));
  world.run(20_000);
  expect(seed.torrent.stats().isSuperSeeding).toBe(false);
  const again = seedWorld(true);
  const watcher = again.join();
  again.seed.torrent.setSuperSeeding(false);
  again.world.run(100);
  expect(watcher.haves).toHaveLength(PIECES);
  again.seed.torrent.setSuperSeeding(true);
  expect(again.seed.torrent.stats().isSuperSeeding).toBe(true);
  expect(again.join().ids).toContain(wire.HAVE_NONE);
});

/** A leecher and a scripted seed that suggests; the pieces in the order in which they were first asked for. */
function askedFirst(suggestions: readonly Uint8Array[], sequential: boolean): number[] {
  const world = new SimWorld({ seed: 1, crypto: nodeCrypto(), link: { latencyMs: 5 } });
  const content = world.makeContent({ pieceCount: PIECES, pieceLengthBytes: 32_768 });
  const leecher = world.addPeer({ content, torrent: { sequential } });
  world.run(100);
  const asked: number[] = [];
  const fake = world.addFakePeer({
    content,
    reserved: wire.RESERVED_FAST_AND_EXTENSIONS,
    isListed: false,
    script: {
      handleHandshake: (opened) => {
        opened.send(wire.rawMessage(wire.HAVE_ALL), ...suggestions, wire.rawMessage(wire.UNCHOKE));
      },
      handleMessage: (opened, message) => {
        if (message.id === wire.REQUEST)
          asked.push(new DataView(message.payload.buffer, message.payload.byteOffset).getUint32(0));
        opened.answerHonestly(message);
      },
    },
  });
  fake.connect({ address: leecher.host.addresses[0]!, port: PORT });
  world.runUntil('all is had', () => leecher.havePieceCount === PIECES, { limitMs: 60_000 });
  world.finish();
  expect(world.problems).toEqual([]);
  return [...new Set(asked)];
}

const suggest = (piece: number): Uint8Array => wire.rawMessage(wire.SUGGEST, [piece]);

test('a leecher asks for what is suggested first, but not where it goes by the order of pieces', () => {
  expect(askedFirst([suggest(31), suggest(7)], false).slice(0, 2)).toEqual([31, 7]);
  expect(askedFirst([suggest(31), suggest(7)], true).slice(0, 2)).toEqual([0, 1]);
});

test('of a flood of suggestions the last sixteen count', () => {
  const flood = Array.from({ length: 20_000 }, (_, i) => suggest(i % PIECES));
  const last = Array.from({ length: 16 }, (_, i) => PIECES - 16 + i);
  expect(askedFirst(flood, false).slice(0, 16)).toEqual(last);
});
