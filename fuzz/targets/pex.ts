// Peer exchange: what decodes is within its bounds, encodes to something that decodes to the same, and leaves the intake
// within its own.
import { decodePexMessage, encodePexMessage } from '../../src/protocol/extensions/ut-pex.ts';
import { PEX_INITIAL_PEERS_MAX } from '../../src/protocol/limits.ts';
import { PexIntake } from '../../src/swarm/pex-intake.ts';

export const name = 'pex';

export const seeds: readonly Uint8Array[] = [
  encodePexMessage({
    added: [
      { address: '1.2.3.4', port: 6881, flags: 2 },
      { address: '192.168.1.1', port: 1, flags: 16 },
      { address: '2001:db8::1', port: 51_413, flags: 0 },
    ],
    dropped: [
      { address: '1.2.3.5', port: 6881 },
      { address: '2001:db8::2', port: 80 },
    ],
  }),
];

export function run(bytes: Uint8Array): void {
  const message = decodePexMessage(bytes);
  if (message === undefined) return;
  check(message.added.length <= 2 * PEX_INITIAL_PEERS_MAX, 'added contacts are bounded');
  check(message.dropped.length <= 2 * PEX_INITIAL_PEERS_MAX, 'dropped contacts are bounded');
  // An IPv4-mapped address comes back as IPv4, in the other list, where there may be no room.
  if (Math.max(message.added.length, message.dropped.length) > PEX_INITIAL_PEERS_MAX) return;
  const again = decodePexMessage(encodePexMessage(message))!;
  check(again.added.length === message.added.length && again.dropped.length === message.dropped.length, 'round trip');
  const intake = new PexIntake();
  for (let round = 0; round < 2; round++) {
    if (!intake.countMessage(1, 0)) continue;
    const { found } = intake.handleMessage(1, message, { address: '60.1.1.1', isComplete: false });
    check(round === 0 || found.every(({ port }) => port > 0), 'nobody is dialled on port 0');
  }
}

function check(condition: boolean, sentence: string): void {
  if (!condition) throw new Error(`not true: ${sentence}`);
}
