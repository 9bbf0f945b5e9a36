// A peer that takes and never gives.
import type { ChokeRule, ChokerRound } from '../../src/swarm/choker.ts';

const ROUND_MS = 10_000;

export class NeverUnchoke implements ChokeRule {
  nextRoundMs = 0;

  round(_peers: readonly unknown[], _mode: string, nowMs: number): ChokerRound {
    this.nextRoundMs = nowMs + ROUND_MS;
    return { choke: [], unchoke: [] };
  }

  handleInterested(): boolean {
    return false;
  }
}
