// Where the bytes of unwanted files stand in a torrent's part file. A piece that a wanted file shares with an unwanted
// one is fetched whole; the unwanted file's share, at most its first and its last piece, has a fixed slot here, whatever
// is wanted at the moment: the map needs no table on disk and no agreement between threads.
import type { FileLayout } from './file-layout.ts';

/** Bytes of a file that have a slot. */
export interface PartSlot {
  readonly fileOffset: number;
  readonly partOffset: number;
  readonly lengthBytes: number;
}

export class PartFileMap {
  readonly #layout: FileLayout;
  /** Where each file's slots start: its head, then its tail. */
  readonly #starts: Float64Array;

  constructor(layout: FileLayout) {
    this.#layout = layout;
    this.#starts = new Float64Array(layout.fileCount);
    let next = 0;
    for (let i = 0; i < layout.fileCount; i++) {
      this.#starts[i] = next;
      const { headBytes, tailBytes } = layout.sharedBytesOfFile(i);
      next += headBytes + tailBytes;
    }
  }

  /** The file's slots; none when no piece of it is shared. */
  slotsOfFile(fileIndex: number): PartSlot[] {
    const { headBytes, tailBytes } = this.#layout.sharedBytesOfFile(fileIndex);
    const start = this.#starts[fileIndex]!;
    const slots: PartSlot[] = [];
    if (headBytes > 0) slots.push({ fileOffset: 0, partOffset: start, lengthBytes: headBytes });
    if (tailBytes > 0) {
      const fileOffset = this.#layout.lengthOfFile(fileIndex) - tailBytes;
      slots.push({ fileOffset, partOffset: start + headBytes, lengthBytes: tailBytes });
    }
    return slots;
  }

  /** Where a range of the file that lies in one piece stands in the part file; undefined when it has no slot. */
  offsetOf(fileIndex: number, fileOffset: number, lengthBytes: number): number | undefined {
    for (const slot of this.slotsOfFile(fileIndex)) {
      const within = fileOffset - slot.fileOffset;
      if (within >= 0 && within + lengthBytes <= slot.lengthBytes) return slot.partOffset + within;
    }
    return undefined;
  }
}
