// Files in memory, by absolute path: what a simulated host has on its disk. It outlives the processes on that host.
// Files are sparse; space is counted in blocks, as a file system does. Folders exist where files are in them.
import type { DiskErrorCode } from '../../src/platform/disk.ts';

const BLOCK_BYTES = 4_096;

export class SimFile {
  #bytes = new Uint8Array(BLOCK_BYTES);
  #lengthBytes = 0;
  readonly #blocks = new Set<number>();

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  get usedBytes(): number {
    return this.#blocks.size * BLOCK_BYTES;
  }

  /** A view of the content; it changes with the file. */
  get content(): Uint8Array {
    return this.#bytes.subarray(0, this.#lengthBytes);
  }

  /** Space that a write would need beyond what the file has. */
  missingBytesFor(offset: number, lengthBytes: number): number {
    let missing = 0;
    const end = offset + lengthBytes;
    for (let block = Math.floor(offset / BLOCK_BYTES); block * BLOCK_BYTES < end; block++) {
      if (!this.#blocks.has(block)) missing += BLOCK_BYTES;
    }
    return missing;
  }

  writeAt(offset: number, data: Uint8Array): void {
    const end = offset + data.length;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      grown.set(this.content);
      this.#bytes = grown;
    }
    this.#bytes.set(data, offset);
    this.#lengthBytes = Math.max(this.#lengthBytes, end);
    for (let block = Math.floor(offset / BLOCK_BYTES); block * BLOCK_BYTES < end; block++) this.#blocks.add(block);
  }

  truncate(lengthBytes: number): void {
    this.#bytes.fill(0, lengthBytes);
    this.#lengthBytes = Math.min(this.#lengthBytes, lengthBytes);
    for (const block of [...this.#blocks]) if (block * BLOCK_BYTES >= lengthBytes) this.#blocks.delete(block);
  }
}

export class SimFileSystem {
  readonly #files = new Map<string, SimFile>();
  /** Space for all files together, in bytes; may be changed at any time. */
  capacityBytes = Infinity;

  get usedBytes(): number {
    let used = 0;
    for (const file of this.#files.values()) used += file.usedBytes;
    return used;
  }

  /** In order of creation. */
  paths(): string[] {
    return [...this.#files.keys()];
  }

  file(path: string): SimFile | undefined {
    return this.#files.get(path);
  }

  /** A copy of the content, or undefined where there is no file. */
  read(path: string): Uint8Array | undefined {
    return this.#files.get(path)?.content.slice();
  }

  /** Makes the file hold exactly these bytes. Not bounded by the capacity. */
  put(path: string, content: Uint8Array): void {
    const file = new SimFile();
    file.writeAt(0, content);
    this.#files.set(path, file);
  }

  remove(path: string): void {
    this.#files.delete(path);
  }

  /** The file, made when it is missing; or what stands in its way. */
  create(path: string): SimFile | DiskErrorCode {
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      if (this.#files.has(path.slice(0, end))) return 'DISK_PATH_CONFLICT';
    }
    for (const other of this.#files.keys()) if (other.startsWith(`${path}/`)) return 'DISK_PATH_CONFLICT';
    const file = new SimFile();
    this.#files.set(path, file);
    return file;
  }

  writeAt(file: SimFile, offset: number, data: Uint8Array): DiskErrorCode | undefined {
    if (this.capacityBytes < Infinity) {
      if (this.usedBytes + file.missingBytesFor(offset, data.length) > this.capacityBytes) return 'DISK_FULL';
    }
    file.writeAt(offset, data);
    return undefined;
  }
}
