// Each rule of the wire broken once, by a peer of its own: the connection ends, the violation is counted, the torrent
// goes on. Some rules need a target that shares, some one that fetches; both are there.
import type { ViolationCode } from '../../src/protocol/wire/violation.ts';
import type { FakeConnection } from '../world/fake-peer.ts';
import * as wire from '../world/raw-wire.ts';
import type { SimPeer } from '../world/sim-peer.ts';
import type { SimWorld } from '../world/sim-world.ts';
import { formatOf, type Scenario, untilSeeds } from './scenario.ts';

interface Offence {
  readonly name: string;
  readonly code: ViolationCode;
  readonly reserved?: Uint8Array;
  /** What happens when the connection stands. @defaultValue a handshake */
  readonly open?: (connection: FakeConnection) => void;
  /** What happens when the target's handshake has come. */
  readonly play?: (connection: FakeConnection) => void;
  /** By when the target must have ended the connection. @defaultValue 5,000 */
  readonly withinMs?: number;
}

const EXTENSION_HANDSHAKE = wire.rawMessage(
  wire.EXTENDED,
  [],
  Uint8Array.from('\0d1:md11:ut_metadatai1eee', (character) => character.charCodeAt(0)),
);

function send(...messages: readonly Uint8Array[]): (connection: FakeConnection) => void {
  return (connection) => connection.send(...messages);
}

function repeat(count: number, message: Uint8Array): (connection: FakeConnection) => void {
  return (connection) => {
    for (let i = 0; i < count; i++) connection.send(message);
  };
}

/** A bitfield of this content's size with nothing in it. */
function emptyBitfield(connection: FakeConnection): Uint8Array {
  return wire.rawMessage(wire.BITFIELD, [], new Uint8Array(Math.ceil(connection.peer.content.pieceCount / 8)));
}

const OFFENCES: readonly Offence[] = [
  {
    name: 'no protocol name',
    code: 'WIRE_HANDSHAKE_INVALID',
    open: send(Uint8Array.from('GET /announce HTTP/1.1\r\n\r\n'.padEnd(80), (character) => character.charCodeAt(0))),
  },
  {
    name: 'half a handshake',
    code: 'WIRE_HANDSHAKE_TIMEOUT',
    open: (connection) => {
      connection.send(wire.rawHandshake(handshakeOf(connection)).subarray(0, 40));
    },
    withinMs: 11_000,
  },
  {
    name: 'a length of 4 GiB',
    code: 'WIRE_MESSAGE_TOO_LONG',
    play: send(wire.rawMessage(wire.PIECE, [0, 0], undefined, 0xffff_ffff)),
  },
  {
    name: 'a choke with a payload',
    code: 'WIRE_MESSAGE_LENGTH_INVALID',
    play: send(wire.rawMessage(wire.CHOKE, [1])),
  },
  {
    name: 'a bitfield that is too short',
    code: 'WIRE_BITFIELD_LENGTH_INVALID',
    play: send(wire.rawMessage(wire.BITFIELD, [], new Uint8Array(1))),
  },
  {
    name: 'a bitfield with spare bits',
    code: 'WIRE_BITFIELD_SPARE_BITS',
    play: (connection) => {
      const bits = new Uint8Array(Math.ceil(connection.peer.content.pieceCount / 8)).fill(0xff);
      connection.send(wire.rawMessage(wire.BITFIELD, [], bits));
    },
  },
  {
    name: 'have all without the fast extension',
    code: 'WIRE_FAST_NOT_NEGOTIATED',
    play: send(wire.rawMessage(wire.HAVE_ALL)),
  },
  {
    name: 'a piece that does not exist',
    code: 'WIRE_PIECE_INDEX_INVALID',
    play: send(wire.rawMessage(wire.HAVE, [0xffff_ffff])),
  },
  {
    name: 'hundreds of requests of nothing',
    code: 'WIRE_REQUESTS_TOO_MANY_INVALID',
    play: repeat(400, wire.rawMessage(wire.REQUEST, [0, 0x7000_0000, 16_384])),
  },
  {
    name: 'blocks that nobody asked for',
    code: 'WIRE_BLOCKS_TOO_MANY_UNSOLICITED',
    play: (connection) => {
      for (let i = 0; i < 80; i++) connection.sendBlock(i % 4, 0, 16_384);
    },
  },
  {
    name: 'a block outside its piece',
    code: 'WIRE_BLOCK_INVALID',
    play: send(wire.rawMessage(wire.PIECE, [0, 0x4000_0000], new Uint8Array(16_384))),
  },
  {
    name: 'an extension message without the extension bit',
    code: 'WIRE_EXTENSION_NOT_NEGOTIATED',
    play: send(EXTENSION_HANDSHAKE),
  },
  {
    name: 'twenty extension handshakes',
    code: 'WIRE_EXTENSION_HANDSHAKES_TOO_MANY',
    reserved: wire.RESERVED_FAST_AND_EXTENSIONS,
    play: repeat(20, EXTENSION_HANDSHAKE),
  },
  {
    name: 'silence',
    code: 'WIRE_PEER_TIMEOUT',
    play: (connection) => connection.send(emptyBitfield(connection)),
    withinMs: 130_000,
  },
];

function handshakeOf(connection: FakeConnection): wire.RawHandshake {
  return { infoHash: connection.peer.content.infoHash, peerId: connection.peer.peerId };
}

export const wireRules: Scenario = {
  name: 'wire-rules',
  about: 'Whoever breaks a rule of the wire is disconnected and counted; the torrent goes on.',
  link: { latencyMs: 20 },
  run(world, seed) {
    // Not a multiple of 8 pieces: spare bits must exist.
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 21 });
    const seeder = world.addPeer({ content, has: 'all' });
    world.run(2_000);
    for (const offence of OFFENCES) commit(world, seeder, offence);
    // A leecher that nobody serves yet: it would read blocks if it had asked for them.
    seeder.close();
    const leecher = world.addPeer({ content });
    world.run(2_000);
    for (const offence of OFFENCES) commit(world, leecher, offence);
    world.check(leecher.havePieceCount === 0, 'pieces came from nowhere');
    world.run(60_000);
    seeder.start();
    untilSeeds(world, [leecher, seeder], 400_000);
  },
};

function commit(world: SimWorld, target: SimPeer, offence: Offence): void {
  const { code, name, withinMs = 5_000 } = offence;
  const countOf = (): number => target.torrent.violationCounts.get(code) ?? 0;
  const before = countOf();
  const { open, play } = offence;
  const offender = world.addFakePeer({
    content: target.content,
    isListed: false,
    reserved: offence.reserved ?? wire.RESERVED_NOTHING,
    script: {
      ...(open !== undefined && { handleOpen: open }),
      handleHandshake: (connection) => play?.(connection),
      handleMessage: () => {},
    },
  });
  const connection = offender.connect({ address: target.host.addresses[0]!, port: 6881 });
  world.clock.runUntil(() => connection.closedMs !== undefined, { limitMs: withinMs });
  world.check(connection.closedMs !== undefined, `${name}: ${target.name} kept the connection`);
  // Before its handshake is whole, a connection belongs to no torrent that could count it.
  if (play !== undefined) world.check(countOf() === before + 1, `${name}: ${target.name} did not count ${code}`);
  offender.closeAll();
}
