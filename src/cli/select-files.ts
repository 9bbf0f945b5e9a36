// Which files `--files` and `--match` choose. With both, a file must pass both.
import { usageFailure } from './exit-code.ts';
import { type FileList, listIncludes } from './parse/file-list.ts';

export interface SelectableFile {
  /** Safe path with `/` between its parts. */
  readonly path: string;
  readonly pad: boolean;
}

export interface Selection {
  readonly files?: FileList | undefined;
  readonly match?: readonly string[] | undefined;
}

/** Indexes of the chosen files, or undefined when nothing was asked for. @throws {CliFailure} nothing fits. */
export async function selectFiles(
  files: readonly SelectableFile[],
  selection: Selection,
): Promise<readonly number[] | undefined> {
  const { files: list, match: globs } = selection;
  if (list === undefined && globs === undefined) return undefined;
  const beyond = list?.ranges.find(([first]) => first > files.length);
  if (beyond !== undefined) {
    throw usageFailure(`There is no file number ${beyond[0]}, there are ${files.length}; millrace show lists them.`);
  }
  const matches = globs === undefined ? () => true : await matcherOf(globs);
  const indexes: number[] = [];
  for (const [index, file] of files.entries()) {
    if (file.pad || (list !== undefined && !listIncludes(list, index)) || !matches(file.path)) continue;
    indexes.push(index);
  }
  if (indexes.length === 0) throw usageFailure('No file fits --files and --match; millrace show lists them.');
  return indexes;
}

/**
 * Any of the globs fits the path, the path without the torrent's own folder, or, for a glob without a slash, the
 * file's name.
 */
async function matcherOf(globs: readonly string[]): Promise<(path: string) => boolean> {
  const { default: picomatch } = await import('picomatch');
  const matchers = globs.map((glob) => ({ hasSlash: glob.includes('/'), isMatch: picomatch(glob, { dot: true }) }));
  return (path) => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const inside = path.slice(path.indexOf('/') + 1);
    return matchers.some(({ hasSlash, isMatch }) => isMatch(path) || isMatch(inside) || (!hasSlash && isMatch(name)));
  };
}
