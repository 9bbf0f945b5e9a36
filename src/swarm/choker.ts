import type { Random } from '../base/random.ts';
export type ChokerMode = 'leeching' | 'seeding';
export interface ChokerPeer {
  readonly id: number;
  readonly isInterested: boolean;
  readonly isUnchoked: boolean;
  readonly downloadBytesPerSecond: number;
  readonly uploadBytesPerSecond: number;
  readonly connectedAtMs: number;
  readonly isSnubbed: boolean;
  readonly uploadedSinceUnchoke: number;
  readonly unchokedAtMs: number;
  readonly isUploadOnly: boolean;
}
export class Choker {
  nextRoundMs = 0;
  readonly slots: number;
  constructor(options: { slots: number; random: Random }) {
    this.slots = options.slots;
  }
  round(peers: readonly ChokerPeer[], _mode: ChokerMode, nowMs: number): { choke: number[]; unchoke: number[] } {
    this.nextRoundMs = nowMs + 10000;
    return { choke: [], unchoke: peers.filter((p) => p.isInterested && !p.isUnchoked).map((p) => p.id) };
  }
  handleInterest(
    _peer: ChokerPeer,
    peers: readonly ChokerPeer[],
    _mode: ChokerMode,
    _nowMs: number,
  ): { choke: number[]; unchoke: number[] } {
    return { choke: [], unchoke: peers.filter((p) => p.isInterested && !p.isUnchoked).map((p) => p.id) };
  }
}
