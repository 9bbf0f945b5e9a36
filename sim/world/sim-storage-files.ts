// One torrent's pieces in a simulated file system, by the rules of platform/disk.ts: pads read as zeros and are never
// written, unwanted files are never created, their share of a piece that a wanted file touches stands in a part file.
// Everything here takes no time; the disk decides when it happens.
import type { DiskError, DiskErrorCode, FileStatus, StorageSpec } from '../../src/platform/disk.ts';
import { FileLayout, type FileSpan } from '../../src/storage/file-layout.ts';
import { PartFileMap } from '../../src/storage/part-file-map.ts';
import type { SimFile, SimFileSystem } from './sim-file-system.ts';

interface Place {
  readonly file: SimFile;
  readonly offset: number;
}

export class SimStorageFiles {
  readonly layout: FileLayout;
  readonly #spec: StorageSpec;
  readonly #system: SimFileSystem;
  readonly #partMap: PartFileMap;
  readonly #partPath: string;
  #wanted: readonly boolean[];

  constructor(spec: StorageSpec, system: SimFileSystem) {
    this.#spec = spec;
    this.#system = system;
    this.layout = new FileLayout(spec.files, spec.pieceLengthBytes);
    this.#partMap = new PartFileMap(this.layout);
    this.#partPath = `${spec.rootPath}/.${spec.key}.part`;
    this.#wanted = spec.files.map((file) => file.wanted);
  }

  write(pieceIndex: number, begin: number, data: Uint8Array): DiskError | undefined {
    let position = 0;
    for (const span of this.layout.spans(pieceIndex, begin, data.length)) {
      const part = data.subarray(position, position + span.lengthBytes);
      position += span.lengthBytes;
      if (span.isZero) continue;
      const place = this.#placeForWriting(span);
      const code = typeof place === 'string' ? place : this.#system.writeAt(place.file, place.offset, part);
      if (code !== undefined) return this.#failure(code, span.fileIndex);
    }
    return undefined;
  }

  /** False when a file is missing or too short. */
  read(pieceIndex: number, begin: number, target: Uint8Array): boolean {
    let position = 0;
    for (const span of this.layout.spans(pieceIndex, begin, target.length)) {
      const part = target.subarray(position, position + span.lengthBytes);
      position += span.lengthBytes;
      const place = span.isZero ? undefined : this.#placeForReading(span);
      if (span.isZero) part.fill(0);
      else if (place === undefined || place.file.lengthBytes < place.offset + part.length) return false;
      else part.set(place.file.content.subarray(place.offset, place.offset + part.length));
    }
    return true;
  }

  stat(): FileStatus[] {
    return this.#spec.files.map(({ pad }, index) => {
      const file = pad ? undefined : this.#system.file(this.#pathOf(index));
      return { exists: file !== undefined, lengthBytes: file?.lengthBytes ?? 0 };
    });
  }

  createEmptyFiles(): DiskError | undefined {
    for (const [index, { pad, lengthBytes }] of this.#spec.files.entries()) {
      if (pad || lengthBytes > 0 || this.#wanted[index] !== true) continue;
      const made = this.#system.create(this.#pathOf(index));
      if (typeof made === 'string') return this.#failure(made, index);
    }
    return undefined;
  }

  setWanted(wanted: readonly boolean[]): DiskError | undefined {
    this.#wanted = [...wanted];
    const part = this.#system.file(this.#partPath);
    if (part === undefined) return undefined;
    for (const [index, { pad }] of this.#spec.files.entries()) {
      if (pad || wanted[index] !== true) continue;
      const code = this.#adopt(index, part);
      if (code !== undefined) return this.#failure(code, index);
    }
    if (this.#spec.files.every(({ pad, lengthBytes }, index) => pad || lengthBytes === 0 || wanted[index] === true)) {
      this.#system.remove(this.#partPath);
    }
    return undefined;
  }

  close(): void {
    if (this.#system.file(this.#partPath)?.lengthBytes === 0) this.#system.remove(this.#partPath);
  }

  #adopt(fileIndex: number, part: SimFile): DiskErrorCode | undefined {
    if (this.#system.file(this.#pathOf(fileIndex)) !== undefined) return undefined;
    for (const slot of this.#partMap.slotsOfFile(fileIndex)) {
      const bytes = part.content.slice(slot.partOffset, slot.partOffset + slot.lengthBytes);
      if (bytes.every((byte) => byte === 0)) continue;
      const file = this.#system.create(this.#pathOf(fileIndex));
      const code = typeof file === 'string' ? file : this.#system.writeAt(file, slot.fileOffset, bytes);
      if (code !== undefined) return code;
    }
    return undefined;
  }

  #placeForReading(span: FileSpan): Place | undefined {
    const file = this.#system.file(this.#pathOf(span.fileIndex));
    if (file !== undefined) return { file, offset: span.fileOffset };
    const part = this.#wanted[span.fileIndex] === true ? undefined : this.#system.file(this.#partPath);
    const offset = this.#partMap.offsetOf(span.fileIndex, span.fileOffset, span.lengthBytes);
    return part === undefined || offset === undefined ? undefined : { file: part, offset };
  }

  #placeForWriting(span: FileSpan): Place | DiskErrorCode {
    const path = this.#pathOf(span.fileIndex);
    const file = this.#wanted[span.fileIndex] === true ? this.#system.create(path) : this.#system.file(path);
    if (typeof file === 'string') return file;
    if (file !== undefined) return { file, offset: span.fileOffset };
    const offset = this.#partMap.offsetOf(span.fileIndex, span.fileOffset, span.lengthBytes);
    if (offset === undefined) return 'DISK_NOT_FOUND';
    const part = this.#system.create(this.#partPath);
    return typeof part === 'string' ? part : { file: part, offset };
  }

  #pathOf(fileIndex: number): string {
    return [this.#spec.rootPath, ...this.#spec.files[fileIndex]!.path].join('/');
  }

  #failure(code: DiskErrorCode, fileIndex: number): DiskError {
    return { code, message: `${this.#pathOf(fileIndex)}: ${code} in the simulated file system` };
  }
}
