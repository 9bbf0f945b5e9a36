// A peer that takes and never gives.
import type { ChokeRule } from '../../src/swarm/choker.ts';
import type { ChokerRound } from '../../src/swarm/choking/choker-peer.ts';

const ROUND_MS = 10_000;

export class NeverUnchoke implements ChokeRule {
  nextRoundMs = 0;

  round(_peers: readonly unknown[], _mode: string, nowMs: number): ChokerRound {
    this.nextRoundMs = nowMs + ROUND_MS;
    return { choke: [], unchoke: [] };
  }

  fill(): readonly number[] {
    return [];
  }
}
