// The upload slots of a session: looks every second at what its torrents send and who waits, has `UploadSlots` say how many
// slots the uplink is good for, and shares them among the torrents. Sleeps while nobody wants anything.
import { shareSlots } from '../../swarm/choking/slot-shares.ts';
import { UploadSlots } from '../../swarm/upload-slots.ts';
import type { DeadlineEntry, DeadlineQueue } from '../deadline-queue.ts';

const SAMPLE_MS = 1_000;

/** Of the peers of one torrent that are interested. */
export interface UploadDemand {
  /** They have a slot; of those, who has asked for something that has not left yet. */
  readonly unchokedCount: number;
  readonly busyCount: number;
  readonly waitingCount: number;
}

/** The upload of one torrent. */
export interface UploadMember {
  /** Blocks that it has sent, in bytes; never less than before. */
  readonly sentBytes: number;
  demand(): UploadDemand;
  /** `hasSpare`: those that have slots, of all torrents, do not use the uplink. */
  setSupply(slots: number, hasSpare: boolean): void;
}

export class UploadBudget implements DeadlineEntry {
  readonly #deadlines: DeadlineQueue;
  readonly #limitBytesPerSecond: () => number;
  readonly #slots = new UploadSlots();
  /** Those with interested peers → what they had sent when they were last asked. BOUNDED: by the torrents. */
  readonly #members = new Map<UploadMember, number>();
  #sentBytes = 0;
  #sampledMs = Number.NEGATIVE_INFINITY;

  constructor(deadlines: DeadlineQueue, limitBytesPerSecond: () => number) {
    this.#deadlines = deadlines;
    this.#limitBytesPerSecond = limitBytesPerSecond;
  }

  /** For diagnostics and new torrents. */
  get slots(): number {
    return this.#slots.slots;
  }

  /** Somebody wants something of this torrent. It is left out again when nobody does. */
  add(member: UploadMember, nowMs: number): void {
    if (this.#members.has(member)) return;
    this.#members.set(member, member.sentBytes);
    this.#share();
    this.#deadlines.expedite(this, Math.max(nowMs, this.#sampledMs + SAMPLE_MS));
  }

  remove(member: UploadMember): void {
    if (!this.#members.delete(member)) return;
    if (this.#members.size === 0) this.#deadlines.remove(this);
  }

  handleDeadline(nowMs: number): number {
    this.#sampledMs = nowMs;
    let unchokedCount = 0;
    let busyCount = 0;
    let waitingCount = 0;
    for (const [member, sentBytes] of this.#members) {
      this.#sentBytes += member.sentBytes - sentBytes;
      this.#members.set(member, member.sentBytes);
      const demand = member.demand();
      unchokedCount += demand.unchokedCount;
      busyCount += demand.busyCount;
      waitingCount += demand.waitingCount;
      if (demand.unchokedCount + demand.waitingCount === 0) this.#members.delete(member);
    }
    const limitBytesPerSecond = this.#limitBytesPerSecond();
    const sentBytes = this.#sentBytes;
    this.#slots.handleSample({ sentBytes, unchokedCount, busyCount, waitingCount, limitBytesPerSecond }, nowMs);
    this.#share();
    return this.#members.size > 0 ? nowMs + SAMPLE_MS : Number.POSITIVE_INFINITY;
  }

  #share(): void {
    const { slots, hasSpare } = this.#slots;
    const members = [...this.#members.keys()];
    if (members.length === 1) {
      members[0]!.setSupply(slots, hasSpare);
      return;
    }
    const demands = members.map((member) => {
      const { unchokedCount, waitingCount } = member.demand();
      return unchokedCount + waitingCount;
    });
    const shares = shareSlots(slots, demands);
    // What nobody wants now is there for whoever wants more first.
    const left = Math.max(
      0,
      shares.reduce((sum, share) => sum - share, slots),
    );
    for (const [index, share] of shares.entries()) members[index]!.setSupply(share + left, hasSpare);
  }
}
