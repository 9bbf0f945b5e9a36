// A storage whose answers cannot throw into the disk: what goes wrong in our own code while it handles one is told to
// the torrent that owns the storage, and to nobody else.
import type { DiskError, ExpectedHash, FileStatus, PieceOutcome, Storage, WriteOutcome } from '../../platform/disk.ts';

export interface StorageOwner {
  /** A mistake of ours showed itself. */
  handleBug(error: unknown): void;
}

export class GuardedStorage implements Storage {
  readonly #storage: Storage;
  readonly #owner: StorageOwner;

  constructor(storage: Storage, owner: StorageOwner) {
    this.#storage = storage;
    this.#owner = owner;
  }

  writePiece(
    pieceIndex: number,
    data: Uint8Array,
    expected: ExpectedHash,
    onDone: (outcome: PieceOutcome) => void,
  ): void {
    this.#storage.writePiece(pieceIndex, data, expected, this.#guard(onDone));
  }

  writePart(pieceIndex: number, offset: number, data: Uint8Array, onDone: (outcome: WriteOutcome) => void): void {
    this.#storage.writePart(pieceIndex, offset, data, this.#guard(onDone));
  }

  hashPiece(pieceIndex: number, expected: ExpectedHash, onDone: (outcome: PieceOutcome) => void): void {
    this.#storage.hashPiece(pieceIndex, expected, this.#guard(onDone));
  }

  read(
    pieceIndex: number,
    begin: number,
    targets: readonly Uint8Array[],
    onDone: (outcome: WriteOutcome) => void,
  ): void {
    this.#storage.read(pieceIndex, begin, targets, this.#guard(onDone));
  }

  stat(onDone: (error: DiskError | undefined, files: readonly FileStatus[]) => void): void {
    this.#storage.stat(this.#guard(onDone));
  }

  createEmptyFiles(onDone: (outcome: WriteOutcome) => void): void {
    this.#storage.createEmptyFiles(this.#guard(onDone));
  }

  setWanted(wanted: readonly boolean[], onDone: (outcome: WriteOutcome) => void): void {
    this.#storage.setWanted(wanted, this.#guard(onDone));
  }

  flush(onDone: (outcome: WriteOutcome) => void): void {
    this.#storage.flush(this.#guard(onDone));
  }

  close(onDone: () => void): void {
    this.#storage.close(this.#guard(onDone));
  }

  #guard<Args extends readonly unknown[]>(onDone: (...args: Args) => void): (...args: Args) => void {
    return (...args) => {
      try {
        onDone(...args);
      } catch (error) {
        this.#owner.handleBug(error);
      }
    };
  }
}
