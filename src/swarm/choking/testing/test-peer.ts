// Peers as a choke rule sees them, whose fields a test sets, and that follow what a choker decides. For tests only.
import type { ChokeRule } from '../../choker.ts';
import type { ChokerMode, ChokerPeer } from '../choker-peer.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type TestPeer = Mutable<ChokerPeer>;

/** Interested, choked, gives and gets nothing, connected long ago. */
export function peerOf(id: number, overrides: Partial<ChokerPeer> = {}): TestPeer {
  return {
    id,
    isInterested: true,
    isUnchoked: false,
    amInterested: true,
    downloadBytesPerSecond: 0,
    uploadBytesPerSecond: 0,
    downloadedBytes: 0,
    uploadedBytes: 0,
    connectedAtMs: -1_000_000,
    isSnubbed: false,
    uploadedSinceUnchoke: 0,
    unchokedAtMs: 0,
    isUploadOnly: false,
    haveRatio: 0,
    hidesPieces: false,
    passedOnRatio: undefined,
    ...overrides,
  };
}

export function unchokedIds(peers: readonly ChokerPeer[]): number[] {
  return peers.filter((peer) => peer.isUnchoked).map((peer) => peer.id);
}

/** Runs a round and makes the peers follow it. Throws when the choker says what is so already. */
export function applyRound(rule: ChokeRule, peers: readonly TestPeer[], mode: ChokerMode, nowMs: number): number[] {
  const { choke, unchoke } = rule.round(peers, mode, nowMs);
  setChoked(peers, choke, true, nowMs);
  setChoked(peers, unchoke, false, nowMs);
  return unchokedIds(peers);
}

/** Gives what is free between rounds. */
export function applyFill(rule: ChokeRule, peers: readonly TestPeer[], nowMs: number): number[] {
  setChoked(peers, rule.fill(peers, nowMs), false, nowMs);
  return unchokedIds(peers);
}

/** For so long it is unchoked and sends and gets so much. */
export function exchange(peer: TestPeer, sentToIt: number, gotFromIt: number, seconds: number): void {
  peer.uploadedBytes += sentToIt;
  peer.uploadedSinceUnchoke += sentToIt;
  peer.downloadedBytes += gotFromIt;
  peer.uploadBytesPerSecond = sentToIt / seconds;
  peer.downloadBytesPerSecond = gotFromIt / seconds;
}

function setChoked(peers: readonly TestPeer[], ids: readonly number[], isChoked: boolean, nowMs: number): void {
  for (const id of ids) {
    const peer = peers.find((one) => one.id === id);
    if (peer?.isUnchoked !== isChoked) throw new Error(`peer ${id} is no peer, or is as it should become`);
    peer.isUnchoked = !isChoked;
    if (isChoked) continue;
    peer.unchokedAtMs = nowMs;
    peer.uploadedSinceUnchoke = 0;
  }
}
