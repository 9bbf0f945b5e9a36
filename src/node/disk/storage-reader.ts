// Reads blocks of one torrent for uploads on the main thread: finds the files, asks for those that are not open, and lets
// the system read them without blocking.
import { join } from 'node:path';
import type { DiskError, WriteOutcome } from '../../platform/disk.ts';
import type { FileLayout, FileSpan } from '../../storage/file-layout.ts';
import { PartFileMap } from '../../storage/part-file-map.ts';
import { diskErrorOf } from './disk-failure.ts';
import { pathOf } from './file-table.ts';
import type { OpenAnswer, ReadHandle, ReadHandles } from './read-handles.ts';
import { onlyFirst, readVectors, withoutFirst } from './read-vectors.ts';
import type { StoredTorrent } from './stored-torrent.ts';

/** Asks a disk thread for a descriptor of the file that has the given file's bytes. */
export type OpenForReading = (fileIndex: number, onOpened: (answer: OpenAnswer) => void) => void;

export class StorageReader {
  readonly #torrent: StoredTorrent;
  readonly #layout: FileLayout;
  readonly #handles: ReadHandles;
  #partMap: PartFileMap | undefined;

  constructor(torrent: StoredTorrent, layout: FileLayout, handles: ReadHandles) {
    this.#torrent = torrent;
    this.#layout = layout;
    this.#handles = handles;
  }

  /** Fills the targets with the piece's bytes from `begin` on. Answers in a later turn. */
  read(
    storageId: number,
    pieceIndex: number,
    begin: number,
    targets: readonly Uint8Array[],
    onDone: (outcome: WriteOutcome) => void,
    open: OpenForReading,
  ): void {
    let totalBytes = 0;
    for (const target of targets) totalBytes += target.length;
    const spans = this.#layout.spans(pieceIndex, begin, totalBytes);
    let leftCount = 1;
    let firstError: DiskError | undefined;
    const finishOne = (error: DiskError | undefined): void => {
      firstError ??= error;
      leftCount--;
      if (leftCount === 0) onDone({ error: firstError });
    };
    let left = targets;
    for (const span of spans) {
      const own = spans.length === 1 ? targets : onlyFirst(left, span.lengthBytes);
      left = withoutFirst(left, span.lengthBytes);
      if (span.isZero) {
        for (const target of own) target.fill(0);
        continue;
      }
      leftCount++;
      this.#readSpan(storageId, span, own, open, finishOne);
    }
    // The count started at one for this: reads of zeros alone are answered in a later turn too.
    if (leftCount === 1) setImmediate(finishOne, undefined);
    else leftCount--;
  }

  #readSpan(
    storageId: number,
    span: FileSpan,
    targets: readonly Uint8Array[],
    open: OpenForReading,
    onDone: (error: DiskError | undefined) => void,
  ): void {
    const openFile = (onOpened: (answer: OpenAnswer) => void): void => open(span.fileIndex, onOpened);
    this.#handles.withFile(storageId, span.fileIndex, openFile, ({ error, handle }, finish) => {
      const offset = handle && this.#offsetIn(handle, span);
      if (handle === undefined || offset === undefined) {
        finish();
        onDone(error ?? this.#missing(span));
        return;
      }
      readVectors(handle.fd, targets, offset, (readError, bytesRead) => {
        finish();
        if (readError !== undefined) onDone(diskErrorOf(readError, 'read', this.#pathOf(span)));
        else onDone(bytesRead < span.lengthBytes ? this.#missing(span) : undefined);
      });
    });
  }

  #pathOf({ fileIndex }: FileSpan): string {
    return join(this.#torrent.rootPath, pathOf(this.#torrent.files, fileIndex));
  }

  #missing(span: FileSpan): DiskError {
    return { code: 'DISK_NOT_FOUND', message: `cannot read ${this.#pathOf(span)}: it is missing or too short` };
  }

  #offsetIn(handle: ReadHandle, span: FileSpan): number | undefined {
    if (!handle.isPartFile) return span.fileOffset;
    this.#partMap ??= new PartFileMap(this.#layout);
    return this.#partMap.offsetOf(span.fileIndex, span.fileOffset, span.lengthBytes);
  }
}
