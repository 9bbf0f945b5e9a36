// A torrent's files as all of the disk's threads see them: their names and places, in one piece of shared memory and
// without an object a file. A torrent of 100,000s of files costs a thread nothing, and showing it to one takes no time.
import type { StorageFile } from '../../platform/disk.ts';
import { type FilePlaces, placesOf } from '../../storage/file-layout.ts';

const FLOAT_BYTES = 8;
const INTEGER_BYTES = 4;

export interface FileTable {
  readonly fileCount: number;
  readonly places: FilePlaces;
  /** Where each path ends in `paths`. */
  readonly pathEnds: Uint32Array;
  /** Paths under the save root in UTF-8, their parts joined by slashes, one path after the other. */
  readonly paths: Uint8Array;
}

export function fileTableOf(files: readonly StorageFile[]): FileTable {
  const fileCount = files.length;
  const { starts, lengths, dataFiles } = placesOf(files);
  let pathsBytes = 0;
  for (const { path } of files) pathsBytes += Buffer.byteLength(path.join('/'));
  const integersAt = 2 * fileCount * FLOAT_BYTES;
  const pathEndsAt = integersAt + dataFiles.length * INTEGER_BYTES;
  const pathsAt = pathEndsAt + fileCount * INTEGER_BYTES;
  const memory = new SharedArrayBuffer(pathsAt + pathsBytes);
  const table = {
    fileCount,
    places: {
      starts: new Float64Array(memory, 0, fileCount),
      lengths: new Float64Array(memory, fileCount * FLOAT_BYTES, fileCount),
      dataFiles: new Int32Array(memory, integersAt, dataFiles.length),
    },
    pathEnds: new Uint32Array(memory, pathEndsAt, fileCount),
    paths: new Uint8Array(memory, pathsAt, pathsBytes),
  };
  table.places.starts.set(starts);
  table.places.lengths.set(lengths);
  table.places.dataFiles.set(dataFiles);
  const paths = Buffer.from(memory, pathsAt, pathsBytes);
  let end = 0;
  files.forEach(({ path }, index) => {
    end += paths.write(path.join('/'), end);
    table.pathEnds[index] = end;
  });
  return table;
}

/** The file's path under the save root, its parts joined by slashes. */
export function pathOf({ paths, pathEnds }: FileTable, fileIndex: number): string {
  const start = fileIndex === 0 ? 0 : pathEnds[fileIndex - 1]!;
  return Buffer.from(paths.buffer, paths.byteOffset + start, pathEnds[fileIndex]! - start).toString('utf8');
}
