// Goal: a benchmark cannot pass with wrong data. Method: real files, spoiled one way at a time.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compareContent } from './compare-content.ts';

const CHUNK_BYTES = 4 * 1024 * 1024;
let root: string;
let original: string;
let received: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-compare-'));
  original = join(root, 'original');
  received = join(root, 'received');
  for (const folder of [original, received]) {
    mkdirSync(join(folder, 'inner'), { recursive: true });
    writeFileSync(join(folder, 'inner', 'a'), 'abc');
    writeFileSync(join(folder, 'b'), new Uint8Array(CHUNK_BYTES + 5).fill(7));
  }
});

afterEach(() => rmSync(root, { recursive: true }));

test('the same tree passes, and so does one with more files', () => {
  writeFileSync(join(received, 'more'), '');
  compareContent(original, received);
});

test('a missing file, a longer one, and one other byte behind the first chunk are found', () => {
  const spoiled = new Uint8Array(CHUNK_BYTES + 5).fill(7);
  spoiled[CHUNK_BYTES + 4] = 8;
  writeFileSync(join(received, 'b'), spoiled);
  expect(() => compareContent(original, received)).toThrow('different bytes');
  writeFileSync(join(received, 'b'), new Uint8Array(CHUNK_BYTES + 6).fill(7));
  expect(() => compareContent(original, received)).toThrow('instead of');
  rmSync(join(received, 'b'));
  expect(() => compareContent(original, received)).toThrow('ENOENT');
});
