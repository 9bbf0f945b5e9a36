import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../base/bytes.ts';
import {
  DIRECTORY_DEPTH_MAX,
  NAME_COLLISIONS_MAX,
  PATH_ELEMENT_MAX_BYTES,
  PATH_MAX_BYTES,
} from '../protocol/limits.ts';
import { safePathPart, safePaths } from './safe-path.ts';

function pathsOf(names: readonly string[], torrentName = 'T'): string[] {
  const files = names.map((name) => ({ path: name.split('/'), pad: false }));
  const result = safePaths(files, torrentName, true);
  if (!result.ok) throw new Error(result.problem.message);
  return result.value.map((path) => path.join('/'));
}

describe('one part', () => {
  test.each([
    ['', ''],
    ['.', ''],
    ['..', ''],
    ['...', ''],
    [' ', ''],
    ['.\u200b.', ''],
    ['\u202e', ''],
    ['/', '_'],
    ['../../etc/passwd', '.._.._etc_passwd'],
    ['..\\..\\x', '.._.._x'],
    ['\\\\server\\share', '__server_share'],
    ['C:', 'C_'],
    ['file.txt:stream', 'file.txt_stream'],
    ['a\u0000b', 'a_b'],
    ['a\u001b[31mb\u007f\u009b', 'a_[31mb__'],
    ['line\u2028two', 'line_two'],
    ['\u202egpj.exe', 'gpj.exe'],
    ['a\u200bb\ufeffc\u061cd', 'abcd'],
    ['bad\ufffdutf8', 'bad_utf8'],
    ['lone\ud800surrogate', 'lone_surrogate'],
    ['<>:"|?*', '_______'],
    ['folder.', 'folder'],
    ['folder. . .', 'folder'],
    ['.hidden', '.hidden'],
    ['CON', '_CON'],
    ['con.txt', '_con.txt'],
    ['NUL .txt', '_NUL .txt'],
    ['nul.tar.gz', '_nul.tar.gz'],
    ['COM1', '_COM1'],
    ['lpt\u00b9', '_lpt\u00b9'],
    ['CONIN$', '_CONIN$'],
    ['AUX.', '_AUX'],
    ['COM', 'COM'],
    ['COM10', 'COM10'],
    ['console', 'console'],
    ['Ünïcödé 日本語 🎬.mkv', 'Ünïcödé 日本語 🎬.mkv'],
  ])('%j becomes %j', (raw, safe) => {
    expect(safePathPart(raw)).toBe(safe);
  });

  test('length: kept at the limit, cut above it, the extension stays', () => {
    const name = (stemLength: number): string => `${'a'.repeat(stemLength)}.mkv`;
    for (const length of [PATH_ELEMENT_MAX_BYTES - 1, PATH_ELEMENT_MAX_BYTES]) {
      expect(safePathPart(name(length - 4))).toBe(name(length - 4));
    }
    expect(safePathPart(name(PATH_ELEMENT_MAX_BYTES - 3))).toBe(name(PATH_ELEMENT_MAX_BYTES - 4));
    expect(safePathPart(`${'é'.repeat(200)}.mkv`)).toBe(`${'é'.repeat(118)}.mkv`);
    expect(safePathPart('🎬'.repeat(100))).toBe('🎬'.repeat(60));
    expect(safePathPart(`a.${'b'.repeat(300)}`)).toBe(`a.${'b'.repeat(238)}`);
  });
});

describe('a whole torrent', () => {
  test.each([
    ['the same name twice', ['a.txt', 'a.txt', 'a.txt'], ['T/a.txt', 'T/a.1.txt', 'T/a.2.txt']],
    ['case', ['README', 'readme'], ['T/README', 'T/readme.1']],
    ['NFC and NFD', ['caf\u00e9', 'cafe\u0301'], ['T/caf\u00e9', 'T/cafe\u0301.1']],
    ['the Kelvin sign', ['K', '\u212a', 'k'], ['T/K', 'T/\u212a.1', 'T/k.2']],
    ['the dotless i', ['I.x', '\u0131.x'], ['T/I.x', 'T/\u0131.1.x']],
    ['names made equal by cleaning', ['a?', 'a*', 'a_'], ['T/a_', 'T/a_.1', 'T/a_.2']],
    ['a number that is taken', ['a', 'a', 'a.1'], ['T/a', 'T/a.1', 'T/a.1.1']],
    ['folders that differ in case', ['Dir/x', 'dir/y', 'DIR/X'], ['T/Dir/x', 'T/Dir/y', 'T/Dir/X.1']],
    ['a file before a folder of its name', ['a', 'A/b'], ['T/a.1', 'T/A/b']],
    ['a file after a folder of its name', ['a/b', 'a'], ['T/a/b', 'T/a.1']],
    ['parts that vanish', ['../x', './/y', 'a/..'], ['T/x', 'T/y', 'T/a/_']],
    ['an absolute path', ['/etc/passwd'], ['T/etc/passwd']],
    ['dotfiles', ['.git', '.GIT'], ['T/.git', 'T/.GIT.1']],
  ])('%s', (_, raw, safe) => {
    expect(pathsOf(raw)).toEqual(safe);
  });

  test('a single file stands in the root, by its cleaned name', () => {
    const files = [{ path: ['a/b:c'], pad: false }];
    expect(safePaths(files, 'ignored', false)).toEqual({ ok: true, value: [['a_b_c']] });
    expect(safePaths([{ path: ['..'], pad: false }], 'ignored', false)).toEqual({ ok: true, value: [['_']] });
    expect(safePaths([{ path: [], pad: false }], 'ignored', false)).toEqual({ ok: true, value: [['_']] });
  });

  test('a torrent without a usable name gets one', () => {
    expect(pathsOf(['x'], '..')).toEqual(['_/x']);
  });

  test('pad files take no names', () => {
    const files = [
      { path: ['.pad', '7'], pad: true },
      { path: ['.pad', '7'], pad: true },
      { path: ['.pad'], pad: false },
    ];
    expect(safePaths(files, 'T', true)).toMatchObject({
      value: [
        ['T', '.pad', '7'],
        ['T', '.pad', '7'],
        ['T', '.pad'],
      ],
    });
  });

  test('depth: one below, at and above the limit', () => {
    const deep = (folders: number): boolean => {
      const path = [...Array.from({ length: folders - 1 }, (_, i) => `d${i}`), 'file'];
      return safePaths([{ path, pad: false }], 'T', true).ok;
    };
    expect([-1, 0, 1].map((more) => deep(DIRECTORY_DEPTH_MAX + more))).toEqual([true, true, false]);
  });

  test('path length: one below, at and above the limit', () => {
    const long = (bytes: number): boolean => {
      // 'T' + 19 folders of 200 bytes and their separators, then the name.
      const path = [...Array.from({ length: 19 }, () => 'd'.repeat(200)), 'n'.repeat(bytes - 1 - 19 * 201 - 1)];
      return safePaths([{ path, pad: false }], 'T', true).ok;
    };
    expect([-1, 0, 1].map((more) => long(PATH_MAX_BYTES + more))).toEqual([true, true, false]);
  });

  test('collisions: one below, at and above the limit', () => {
    const collide = (count: number): boolean =>
      safePaths(
        Array.from({ length: count + 1 }, () => ({ path: ['same'], pad: false })),
        'T',
        true,
      ).ok;
    expect([-1, 0, 1].map((more) => collide(NAME_COLLISIONS_MAX + more))).toEqual([true, true, false]);
  });

  test('100,000 files are quick', () => {
    const files = Array.from({ length: 100_000 }, (_, i) => ({ path: [`d${i % 100}`, `file ${i}.bin`], pad: false }));
    expect(safePaths(files, 'T', true).ok).toBe(true);
  });
});

// Pieces of which hostile names are made; fast-check joins them at will.
const hostile = fc.oneof(
  fc.constantFrom('..', '.', '/', '\\', '\u0000', ':', ' ', 'CON', 'nul', '\u202e', '\u200b', 'a', 'A', 'é', 'e\u0301'),
  fc.string({ unit: 'binary', maxLength: 5 }),
  fc.string({ minLength: 100, maxLength: 300 }),
);
const hostilePart = fc.array(hostile, { maxLength: 4 }).map((parts) => parts.join(''));

test('no name escapes, stays unsafe, or meets another', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(hostilePart, { maxLength: 5 }), { maxLength: 30 }),
      hostilePart,
      fc.boolean(),
      (rawPaths, name, isMultiFile) => {
        const files = rawPaths.map((path) => ({ path, pad: false }));
        const result = safePaths(files, name, isMultiFile);
        if (!result.ok) throw new Error(result.problem.message);
        const seen = new Set<string>();
        for (const path of result.value) {
          expect(path.length).toBeGreaterThan(isMultiFile ? 1 : 0);
          for (const part of path) {
            expect(part).not.toMatch(/^\.*$|[/\\<>:"|?*]|[. ]$/);
            expect(part).not.toMatch(/\p{Cc}|\p{Bidi_Control}|\p{Cs}/u);
            expect(part).not.toMatch(/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i);
            expect(encodeUtf8(part).length).toBeLessThanOrEqual(PATH_ELEMENT_MAX_BYTES);
            expect(safePathPart(part)).toBe(part);
          }
          const key = path.join('/').normalize('NFC').toLowerCase();
          expect(seen.has(key)).toBe(false);
          seen.add(key);
        }
        // No file stands where another's folder is.
        for (const path of result.value) {
          for (let depth = 1; depth < path.length; depth++) {
            expect(seen.has(path.slice(0, depth).join('/').normalize('NFC').toLowerCase())).toBe(false);
          }
        }
      },
    ),
  );
});
