import { expect, test } from 'vitest';
import { CliFailure } from './exit-code.ts';
import { parseFileList } from './parse/file-list.ts';
import { selectFiles } from './select-files.ts';

const files = [
  { path: 'show/season 1/e01.mkv', pad: false },
  { path: '.pad/100', pad: true },
  { path: 'show/season 1/e02.mkv', pad: false },
  { path: 'show/.hidden.txt', pad: false },
  { path: 'show/readme.txt', pad: false },
];

test.each([
  [{}, undefined],
  [{ files: parseFileList('1,3') }, [0, 2]],
  [{ files: parseFileList('1-3') }, [0, 2]],
  [{ files: parseFileList('4-') }, [3, 4]],
  [{ match: ['*.mkv'] }, [0, 2]],
  [{ match: ['*.txt'] }, [3, 4]],
  [{ match: ['season 1/*'] }, [0, 2]],
  [{ match: ['show/*.txt'] }, [3, 4]],
  [{ match: ['**/e01.*', 'readme*'] }, [0, 4]],
  [{ files: parseFileList('1-2,5'), match: ['*.mkv'] }, [0]],
] as const)('%o chooses %o', async (selection, indexes) => {
  expect(await selectFiles(files, selection)).toEqual(indexes);
});

test.each([{ files: parseFileList('6') }, { files: parseFileList('2') }, { match: ['*.iso'] }])(
  '%o fits nothing and is a usage error',
  async (selection) => {
    const error: unknown = await selectFiles(files, selection).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CliFailure);
    expect(error).toMatchObject({ exitCode: 2 });
  },
);
