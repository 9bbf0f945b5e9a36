// A storage whose answers cannot throw into the disk: what goes wrong in our own code while it handles one is told to
// the torrent that owns the storage, and to nobody else.
import type { Storage } from '../../platform/disk.ts';

export function guardedStorage(storage: Storage, onBug: (error: unknown) => void): Storage {
  const guard =
    <Args extends readonly unknown[]>(onDone: (...args: Args) => void) =>
    (...args: Args): void => {
      try {
        onDone(...args);
      } catch (error) {
        onBug(error);
      }
    };
  return {
    writePiece: (pieceIndex, data, expected, onDone) => storage.writePiece(pieceIndex, data, expected, guard(onDone)),
    writePart: (pieceIndex, offset, data, onDone) => storage.writePart(pieceIndex, offset, data, guard(onDone)),
    hashPiece: (pieceIndex, expected, onDone) => storage.hashPiece(pieceIndex, expected, guard(onDone)),
    read: (pieceIndex, begin, targets, onDone) => storage.read(pieceIndex, begin, targets, guard(onDone)),
    stat: (onDone) => storage.stat(guard(onDone)),
    createEmptyFiles: (onDone) => storage.createEmptyFiles(guard(onDone)),
    setWanted: (wanted, onDone) => storage.setWanted(wanted, guard(onDone)),
    flush: (onDone) => storage.flush(guard(onDone)),
    close: (onDone) => storage.close(guard(onDone)),
  };
}
