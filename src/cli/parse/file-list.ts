// The list of `--files`: numbers and ranges as `show` numbers the files, from 1 on. Kept as ranges, so that
// `1-999999999` costs nothing.
import { InvalidArgumentError } from 'commander';

export interface FileList {
  /** First and last number of each range, from 1 on; an open end is Infinity. */
  readonly ranges: readonly (readonly [first: number, last: number])[];
}

export function parseFileList(text: string): FileList {
  const ranges = text.split(',').map((part): readonly [number, number] => {
    const match = /^\s*(\d{1,9})\s*(-\s*(\d{1,9})?\s*)?$/.exec(part);
    const first = Number(match?.[1]);
    const last = match?.[2] === undefined ? first : Number(match[3] ?? Number.POSITIVE_INFINITY);
    if (match === null || first < 1 || last < first) {
      throw new InvalidArgumentError(
        'Write file numbers as 1,3-5 (7- means from 7 on); `millrace show` lists them, from 1.',
      );
    }
    return [first, last];
  });
  return { ranges };
}

/** Whether the list names the file at this zero-based index. */
export function listIncludes(list: FileList, index: number): boolean {
  return list.ranges.some(([first, last]) => index + 1 >= first && index + 1 <= last);
}
