// Goal: what one connection is told to send, the other one reports, in order, whatever the network does to the stream.
// Method: two connections, random commands on both, bytes carried over in random parts, and a model that writes down
// the event each command must cause.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bitfield } from '../../base/bitfield.ts';
import { bytesToHex, concatBytes } from '../../base/bytes.ts';
import { EXTENSION_IDS, type ExtensionName } from '../extensions/extension-handshake.ts';
import { PeerConnection } from './peer-connection.ts';
import { OURS, PIECE_BYTES, PIECES, THEIRS } from './testing/scripted-peer.ts';
import { writePieceHeader } from './wire-encoder.ts';
import * as wire from './wire-event.ts';

type Command =
  | { readonly kind: 'have' | 'dont-have' | 'suggest' | 'allowed-fast'; readonly index: number }
  | { readonly kind: 'request' | 'cancel' | 'reject' | 'block'; readonly index: number; readonly length: number }
  | { readonly kind: 'choke' | 'interested' | 'upload-only'; readonly flag: boolean }
  | { readonly kind: 'extended'; readonly name: ExtensionName; readonly payload: Uint8Array }
  | { readonly kind: 'keep-alive' };

const index = fc.nat(PIECES.pieceCount - 2);
const length = fc.integer({ min: 1, max: 16_384 });
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: fc.constantFrom('have', 'dont-have', 'suggest', 'allowed-fast'), index }),
  fc.record({ kind: fc.constantFrom('request', 'cancel', 'reject', 'block'), index, length }),
  fc.record({ kind: fc.constantFrom('choke', 'interested', 'upload-only'), flag: fc.boolean() }),
  fc.record({
    kind: fc.constant('extended' as const),
    name: fc.constantFrom('ut_metadata', 'ut_pex', 'ut_holepunch'),
    payload: fc.uint8Array({ maxLength: 40 }),
  }),
  fc.constant({ kind: 'keep-alive' as const }),
);

/** One end: the connection, the bytes on their way to it, and what it reported. */
class End {
  readonly connection: PeerConnection;
  readonly reported: string[] = [];
  readonly expected: string[] = [];
  #inFlight: Uint8Array = new Uint8Array(0);
  #block: number[] = [];
  readonly #split: () => number;

  /** `split` draws how much is delivered. */
  constructor(connection: PeerConnection, split: () => number) {
    this.connection = connection;
    this.#split = split;
  }

  send(bytes: Uint8Array | undefined): void {
    if (bytes !== undefined) this.#inFlight = concatBytes([this.#inFlight, bytes]);
  }

  /** Delivers at most `count` of the bytes on their way; the chunk is overwritten after use, as a socket's is. */
  deliver(count: number): void {
    const chunk = this.#inFlight.slice(0, count);
    this.#inFlight = this.#inFlight.slice(count);
    this.connection.push(chunk, 0);
    for (let event = this.connection.next(); event !== wire.WIRE_NEED_MORE; event = this.connection.next()) {
      this.#report(event);
    }
    chunk.fill(0xee);
  }

  /** A dozen small parts, then the rest. */
  deliverAll(): void {
    for (let i = 0; i < 12; i++) this.deliver(this.#split() % 40);
    this.deliver(this.#inFlight.length);
  }

  #report(event: wire.WireEvent): void {
    const { message } = this.connection;
    const range = `${message.pieceIndex} ${message.begin} ${message.length}`;
    switch (event) {
      case wire.WIRE_HANDSHAKE:
        if (!this.connection.isInitiator) this.connection.accept(THEIRS, PIECES);
        this.reported.push(`${event}`);
        break;
      case wire.WIRE_HAVE:
      case wire.WIRE_DONT_HAVE:
      case wire.WIRE_SUGGEST:
      case wire.WIRE_ALLOWED_FAST:
        this.reported.push(`${event} ${message.pieceIndex}`);
        break;
      case wire.WIRE_REQUEST:
      case wire.WIRE_CANCEL:
      case wire.WIRE_REJECT:
        this.reported.push(`${event} ${range}`);
        break;
      case wire.WIRE_BLOCK_DATA:
        this.#block.push(...message.chunk.subarray(message.dataStart, message.dataEnd));
        if (!message.blockIsLast) break;
        this.reported.push(`${event} ${range} ${this.#block.reduce((sum, byte) => sum + byte, 0)}`);
        this.#block = [];
        break;
      case wire.WIRE_EXTENDED:
        this.reported.push(`${event} ${message.extendedId} ${bytesToHex(message.payload)}`);
        break;
      case wire.WIRE_VIOLATION:
        this.reported.push(`${event} ${message.violation.code}`);
        break;
      default:
        this.reported.push(`${event}`);
    }
  }
}

/** Gives the command to `from`; returns what `to` must report because of it. */
function perform(given: Command, from: End, to: End): string | undefined {
  const sender = from.connection;
  const receiver = to.connection;
  const fast = sender.supportsFast;
  // Whether some events are reported depends on the receiver's state: bring it up to date first.
  to.deliverAll();
  switch (given.kind) {
    case 'have':
      sender.sendHave(given.index);
      return receiver.have!.has(given.index) ? undefined : `${wire.WIRE_HAVE} ${given.index}`;
    case 'dont-have':
      sender.sendDontHave(given.index);
      return receiver.have!.has(given.index) ? `${wire.WIRE_DONT_HAVE} ${given.index}` : undefined;
    case 'suggest':
      sender.sendSuggest(given.index);
      return fast ? `${wire.WIRE_SUGGEST} ${given.index}` : undefined;
    case 'allowed-fast':
      sender.sendAllowedFast(given.index);
      return fast && !receiver.allowedFast.has(given.index) ? `${wire.WIRE_ALLOWED_FAST} ${given.index}` : undefined;
    case 'request':
      // What a choked peer may ask for is tested one by one elsewhere.
      if (receiver.amChoking) return undefined;
      sender.sendRequest(given.index, PIECE_BYTES - given.length, given.length);
      return `${wire.WIRE_REQUEST} ${given.index} ${PIECE_BYTES - given.length} ${given.length}`;
    case 'cancel':
      sender.sendCancel(given.index, 0, given.length);
      return `${wire.WIRE_CANCEL} ${given.index} 0 ${given.length}`;
    case 'reject':
      sender.sendReject(given.index, 7, given.length);
      return fast ? `${wire.WIRE_REJECT} ${given.index} 7 ${given.length}` : undefined;
    case 'block': {
      // As an upload does it: header and block in a buffer of its own.
      const bytes = new Uint8Array(13 + given.length).fill(given.length & 0xff);
      writePieceHeader(bytes, 0, given.index, 16_384, given.length);
      to.send(bytes);
      return `${wire.WIRE_BLOCK_DATA} ${given.index} 16384 ${given.length} ${given.length * (given.length & 0xff)}`;
    }
    case 'choke': {
      const changes = sender.amChoking !== given.flag;
      sender.sendChoke(given.flag);
      return changes ? `${given.flag ? wire.WIRE_CHOKE : wire.WIRE_UNCHOKE}` : undefined;
    }
    case 'interested': {
      const changes = sender.amInterested !== given.flag;
      sender.sendInterested(given.flag);
      return changes ? `${given.flag ? wire.WIRE_INTERESTED : wire.WIRE_NOT_INTERESTED}` : undefined;
    }
    case 'upload-only':
      sender.sendUploadOnly(given.flag);
      return receiver.peerUploadOnly === given.flag ? undefined : `${wire.WIRE_UPLOAD_ONLY}`;
    case 'extended':
      sender.sendExtended(given.name, given.payload);
      return `${wire.WIRE_EXTENDED} ${EXTENSION_IDS[given.name]} ${bytesToHex(given.payload)}`;
    default:
      to.send(Uint8Array.of(0, 0, 0, 0));
      return undefined;
  }
}

function bitfieldOf(members: readonly number[]): Bitfield {
  const bitfield = new Bitfield(PIECES.pieceCount);
  for (const member of members) bitfield.add(member);
  return bitfield;
}

function openPair(fast: boolean, split: () => number): readonly [End, End] {
  const dialler = new End(new PeerConnection({ nowMs: 0, handshake: { ...OURS, fast }, pieces: PIECES }), split);
  const acceptor = new End(new PeerConnection({ nowMs: 0 }), split);
  acceptor.send(dialler.connection.takeOutgoing(0));
  for (let i = 0; i < 68 && !acceptor.connection.isOpen; i++) {
    acceptor.deliver(1 + (split() % 30));
  }
  dialler.send(acceptor.connection.takeOutgoing(0));
  for (let i = 0; i < 68 && !dialler.connection.isOpen; i++) dialler.deliver(1 + (split() % 30));
  for (const end of [dialler, acceptor]) end.expected.push(`${wire.WIRE_HANDSHAKE}`);
  return [dialler, acceptor];
}

test('two connections understand each other', () => {
  const steps = fc.array(fc.record({ byDialler: fc.boolean(), command, carried: fc.nat(40_000) }), { maxLength: 40 });
  const members = fc.uniqueArray(fc.nat(PIECES.pieceCount - 1));
  fc.assert(
    fc.property(
      steps,
      fc.boolean(),
      members,
      members,
      fc.array(fc.nat(), { minLength: 1 }),
      (script, fast, left, right, splits) => {
        let next = 0;
        const split = (): number => splits[next++ % splits.length]!;
        const [dialler, acceptor] = openPair(fast, split);
        const messages = new Map<string, number>(Object.entries(EXTENSION_IDS));
        for (const [from, to, ours] of [
          [dialler, acceptor, bitfieldOf(left)],
          [acceptor, dialler, bitfieldOf(right)],
        ] as const) {
          from.connection.sendBitfield(ours);
          from.connection.sendExtensionHandshake({ messages });
          to.send(from.connection.takeOutgoing(0));
          if (fast && ours.isFull) to.expected.push(`${wire.WIRE_HAVE_ALL}`);
          else if (!ours.isEmpty) to.expected.push(`${wire.WIRE_BITFIELD}`);
          else if (fast) to.expected.push(`${wire.WIRE_HAVE_NONE}`);
          to.expected.push(`${wire.WIRE_EXTENSION_HANDSHAKE}`);
          to.deliverAll();
          expect(to.connection.have!.toBytes()).toEqual(ours.toBytes());
        }
        for (const step of script) {
          const [from, to] = step.byDialler ? [dialler, acceptor] : [acceptor, dialler];
          const line = perform(step.command, from, to);
          if (line !== undefined) to.expected.push(line);
          to.send(from.connection.takeOutgoing(0));
          to.deliver(step.carried % (1 + (split() % 40_000)));
        }
        for (const end of [dialler, acceptor]) {
          end.deliverAll();
          expect(end.reported).toEqual(end.expected);
        }
        for (const [one, other] of [
          [dialler.connection, acceptor.connection],
          [acceptor.connection, dialler.connection],
        ] as const) {
          expect([one.peerChoking, one.peerInterested]).toEqual([other.amChoking, other.amInterested]);
        }
      },
    ),
  );
});
