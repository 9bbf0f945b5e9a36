// What we gave to each peer and got of it lately: who owes us how much, and who takes without giving although it could.
// Ages with time, so that nobody is judged for ever. Knows no slot.
import type { ChokerPeer } from './choker-peer.ts';

/** Debts fade: so long after, half of one is left. */
const DEBT_HALF_LIFE_MS = 120_000;
/** What speaks for a taker fades more slowly: it cannot simply wait. */
const EVIDENCE_HALF_LIFE_MS = 600_000;
/** A peer is no taker before it had so much of us, in bytes, and so long, while it had pieces that we want. */
const TAKEN_MIN_BYTES = 128 * 1024;
const TAKEN_MIN_MS = 8_000;
/** Who gives back at least this share of what it takes is no taker. */
const GIVEN_SHARE = 1 / 16;

interface Account {
  uploadedBytes: number;
  downloadedBytes: number;
  /** Sent less received; faded. */
  debtBytes: number;
  /** While we wanted pieces of it; faded. */
  takenBytes: number;
  givenBytes: number;
  takenMs: number;
  isTaker: boolean;
}

export class PeerLedger {
  /** BOUNDED: by the peers shown in the last update. */
  #accounts = new Map<number, Account>();
  #updatedMs = Number.NEGATIVE_INFINITY;

  /** Books what has passed since the last time, and forgets who is not shown. */
  update(peers: readonly ChokerPeer[], nowMs: number): void {
    const passedMs = Number.isFinite(this.#updatedMs) ? nowMs - this.#updatedMs : 0;
    this.#updatedMs = nowMs;
    const debtLeft = 0.5 ** (passedMs / DEBT_HALF_LIFE_MS);
    const evidenceLeft = 0.5 ** (passedMs / EVIDENCE_HALF_LIFE_MS);
    const kept = new Map<number, Account>();
    for (const peer of peers) {
      const account = this.#accounts.get(peer.id) ?? newAccount();
      kept.set(peer.id, account);
      const sent = peer.uploadedBytes - account.uploadedBytes;
      const received = peer.downloadedBytes - account.downloadedBytes;
      account.uploadedBytes = peer.uploadedBytes;
      account.downloadedBytes = peer.downloadedBytes;
      account.debtBytes = account.debtBytes * debtLeft + sent - received;
      account.takenBytes = account.takenBytes * evidenceLeft + (peer.amInterested ? sent : 0);
      account.givenBytes = account.givenBytes * evidenceLeft + received;
      account.takenMs =
        account.takenMs * evidenceLeft +
        (peer.amInterested && sent > 0 ? Math.min(passedMs, nowMs - peer.unchokedAtMs) : 0);
      account.isTaker = judge(account);
    }
    this.#accounts = kept;
  }

  /** What it owes us, in bytes; below 0: we owe it. */
  debtOf(peer: ChokerPeer): number {
    const account = this.#accounts.get(peer.id);
    if (account === undefined) return peer.uploadedBytes - peer.downloadedBytes;
    const since = peer.uploadedBytes - account.uploadedBytes - (peer.downloadedBytes - account.downloadedBytes);
    return account.debtBytes + since;
  }

  /** It took of us what it could have paid for, and did not; or it hides what it has. */
  isTaker(peer: ChokerPeer): boolean {
    if (peer.hidesPieces) return true;
    const account = this.#accounts.get(peer.id);
    if (account?.isTaker !== true) return false;
    const givenBytes = account.givenBytes + peer.downloadedBytes - account.downloadedBytes;
    return givenBytes < account.takenBytes * GIVEN_SHARE;
  }
}

/** Half of the evidence that makes a taker keeps it one. */
function judge({ isTaker, takenBytes, takenMs, givenBytes }: Account): boolean {
  if (givenBytes >= takenBytes * GIVEN_SHARE) return false;
  const least = isTaker ? 0.5 : 1;
  return takenMs >= TAKEN_MIN_MS * least && takenBytes >= TAKEN_MIN_BYTES * least;
}

function newAccount(): Account {
  return {
    uploadedBytes: 0,
    downloadedBytes: 0,
    debtBytes: 0,
    takenBytes: 0,
    givenBytes: 0,
    takenMs: 0,
    isTaker: false,
  };
}
