// Checks of a diagnosis in a simulated world: that a reason comes, and that it is said as long as it is true.
import type { TorrentReasonCode } from '../../src/engine/diagnosis/reasons.ts';
import type { SimPeer } from '../world/sim-peer.ts';
import type { SimWorld } from '../world/sim-world.ts';

const LOOK_EVERY_MS = 50;

/** Waits until this is the main reason, then looks for `holdsMs` whether it stays so. */
export function expectReason(
  world: SimWorld,
  peer: SimPeer,
  code: TorrentReasonCode,
  { limitMs, holdsMs = 0 }: { readonly limitMs: number; readonly holdsMs?: number },
): void {
  const seen = new Set<string>();
  const isReason = (): boolean => {
    const found = peer.torrent.diagnosis();
    seen.add(`${found.code} (${found.message})`);
    return found.code === code;
  };
  if (!world.runUntil(`${peer.name} is ${code}`, isReason, { limitMs })) {
    world.report(`${peer.name} was ${[...seen].join(', ')} and never ${code}`);
    return;
  }
  for (let passedMs = 0; passedMs < holdsMs; passedMs += LOOK_EVERY_MS) {
    world.run(LOOK_EVERY_MS);
    if (isReason()) continue;
    world.report(`${peer.name} was ${code} and after ${passedMs} ms ${peer.torrent.diagnosis().message}`);
    return;
  }
}

/** Checks a number or word of the main reason. */
export function expectDetail(world: SimWorld, peer: SimPeer, name: string, value: number | string): void {
  const { code, details } = peer.torrent.diagnosis();
  world.check(details[name] === value, `${peer.name}: ${code} has ${name} ${details[name]} and not ${value}`);
}
