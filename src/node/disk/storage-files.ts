// One torrent's pieces in its files, as one thread works on them: written, read back, counted. All calls block and throw
// `DiskFailure`. Knows no job, no thread and no hash.
//
// An unwanted file is never created. While it does not exist, its bytes stand in the part file (see `PartFileMap`); where
// it exists, it is used like any other.
import { FileLayout, type FileSpan } from '../../storage/file-layout.ts';
import { PartFileMap } from '../../storage/part-file-map.ts';
import { DiskFailure } from './disk-failure.ts';
import type { FileHandle } from './file-handles.ts';
import { isPad, isWanted, type StoredTorrent } from './stored-torrent.ts';
import { type OpenThings, TorrentHandles } from './torrent-handles.ts';

const COPY_BYTES = 1024 * 1024;

/** Where bytes stand: in their file or in the part file. */
interface Place {
  readonly handle: FileHandle;
  readonly fileIndex: number;
  readonly offset: number;
}

/** A file opened for someone else, who closes it. */
export interface OpenedForReading {
  readonly fd: number;
  readonly isPartFile: boolean;
}

export class StorageFiles {
  readonly layout: FileLayout;
  readonly #torrent: StoredTorrent;
  readonly #handles: TorrentHandles;
  #partMap: PartFileMap | undefined;

  constructor(id: number, torrent: StoredTorrent, open: OpenThings) {
    this.#torrent = torrent;
    this.#handles = new TorrentHandles(id, torrent, open);
    this.layout = new FileLayout(torrent.files.places, torrent.pieceLengthBytes);
  }

  /** Writes bytes of a piece; those of pads and gaps are passed over. */
  write(pieceIndex: number, begin: number, data: Uint8Array): void {
    let position = 0;
    for (const span of this.layout.spans(pieceIndex, begin, data.length)) {
      const end = position + span.lengthBytes;
      if (!span.isZero) {
        const { handle, fileIndex, offset } = this.#placeForWriting(span);
        this.#handles.writeAt(handle, fileIndex, data.subarray(position, end), offset);
      }
      position = end;
    }
  }

  /** Fills the target with bytes of a piece; false when a file is missing or too short. */
  read(pieceIndex: number, begin: number, target: Uint8Array): boolean {
    let position = 0;
    for (const span of this.layout.spans(pieceIndex, begin, target.length)) {
      const part = target.subarray(position, position + span.lengthBytes);
      if (span.isZero) part.fill(0);
      else {
        const place = this.#placeForReading(span);
        if (place === undefined) return false;
        if (this.#handles.readAt(place.handle, place.fileIndex, part, place.offset) < part.length) return false;
      }
      position += span.lengthBytes;
    }
    return true;
  }

  /** Length of each file; -1 where there is no ordinary file. */
  stat(): Float64Array {
    return this.#handles.lengths();
  }

  createEmptyFiles(): void {
    let hasRoot = false;
    for (let i = 0; i < this.layout.fileCount; i++) {
      if (!isWanted(this.#torrent, i) || isPad(this.#torrent, i)) continue;
      if (!hasRoot) this.#handles.createRoot();
      hasRoot = true;
      if (this.layout.lengthOfFile(i) === 0) this.#handles.open(i, 'create');
    }
  }

  /** Gives wanted files that do not exist what the part file has of them; removes it once every file is wanted. */
  adoptPartFile(): void {
    const part = this.#handles.open(this.#handles.partFileIndex, 'read');
    if (part === undefined) return;
    let isNeeded = false;
    for (let i = 0; i < this.layout.fileCount; i++) {
      if (isPad(this.#torrent, i) || this.layout.lengthOfFile(i) === 0) continue;
      if (isWanted(this.#torrent, i)) this.#adoptFile(i);
      else isNeeded = true;
    }
    if (!isNeeded) this.#handles.remove(this.#handles.partFileIndex);
  }

  /** Opens the file in which the given file's bytes stand. */
  openForReading(fileIndex: number): OpenedForReading | undefined {
    const fd = this.#handles.openFor(fileIndex, 'read');
    if (fd !== undefined) return { fd, isPartFile: false };
    if (isWanted(this.#torrent, fileIndex)) return undefined;
    const partFd = this.#handles.openFor(this.#handles.partFileIndex, 'read');
    return partFd === undefined ? undefined : { fd: partFd, isPartFile: true };
  }

  /** Puts on the medium what any thread has written to this torrent. */
  flush(): void {
    this.#handles.flush();
  }

  close(): void {
    this.#handles.close();
  }

  #placeForReading(span: FileSpan): Place | undefined {
    const handle = this.#handles.open(span.fileIndex, 'read');
    if (handle !== undefined) return { handle, fileIndex: span.fileIndex, offset: span.fileOffset };
    if (isWanted(this.#torrent, span.fileIndex)) return undefined;
    const offset = this.#partOffsetOf(span);
    const fileIndex = this.#handles.partFileIndex;
    const part = offset === undefined ? undefined : this.#handles.open(fileIndex, 'read');
    return part && { handle: part, fileIndex, offset: offset! };
  }

  #placeForWriting(span: FileSpan): Place {
    const mode = isWanted(this.#torrent, span.fileIndex) ? 'create' : 'write';
    const handle = this.#handles.open(span.fileIndex, mode);
    if (handle !== undefined) return { handle, fileIndex: span.fileIndex, offset: span.fileOffset };
    const offset = this.#partOffsetOf(span);
    const fileIndex = this.#handles.partFileIndex;
    if (offset !== undefined) return { handle: this.#handles.open(fileIndex, 'create')!, fileIndex, offset };
    const path = this.#handles.fullPath(span.fileIndex);
    throw new DiskFailure('DISK_NOT_FOUND', `${path} is not wanted and does not exist: nothing is written to it`);
  }

  #partOffsetOf(span: FileSpan): number | undefined {
    this.#partMap ??= new PartFileMap(this.layout);
    return this.#partMap.offsetOf(span.fileIndex, span.fileOffset, span.lengthBytes);
  }

  #adoptFile(fileIndex: number): void {
    this.#partMap ??= new PartFileMap(this.layout);
    const slots = this.#partMap.slotsOfFile(fileIndex);
    if (slots.length === 0 || this.#handles.open(fileIndex, 'read') !== undefined) return;
    const partFileIndex = this.#handles.partFileIndex;
    const buffer = new Uint8Array(COPY_BYTES);
    let isCreated = false;
    try {
      for (const slot of slots) {
        for (let done = 0; done < slot.lengthBytes; ) {
          const target = buffer.subarray(0, slot.lengthBytes - done);
          const part = this.#handles.open(partFileIndex, 'read')!;
          const bytes = target.subarray(0, this.#handles.readAt(part, partFileIndex, target, slot.partOffset + done));
          if (bytes.length === 0) break;
          // Slots that were never written read as zeros, and so does a file where nothing is written.
          if (!isZero(bytes)) {
            const handle = this.#handles.open(fileIndex, 'create')!;
            isCreated = true;
            this.#handles.writeAt(handle, fileIndex, bytes, slot.fileOffset + done);
          }
          done += bytes.length;
        }
      }
    } catch (error) {
      // Half a file would hide what the part file still has.
      if (isCreated) this.#handles.remove(fileIndex);
      throw error;
    }
  }
}

function isZero(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0) return false;
  return true;
}
