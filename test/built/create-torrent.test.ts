// Goal: hashing in worker threads gives the same torrents as the definitions, and ends as it should. Method: the
// built worker and a content large enough for threads, with pieces that lie in several files.
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTorrent } from '../../src/node/create/create-torrent.ts';
import { sampleTorrent } from '../../src/protocol/metainfo/testing/sample-torrent.ts';
import { builtWorker } from './built.ts';

const MIB = 1024 * 1024;
const crypto = {
  sha1: (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha1').update(bytes).digest()),
  sha256: (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest()),
};
const files = [9, 0, 3 * MIB + 7, 20 * MIB - 1, 65_536, 14 * MIB + 12_345, 1].map((length, i) => {
  const bytes = new Uint8Array(length);
  for (let position = 0; position < length; position += 4_001) bytes[position] = position + i;
  return { path: [`f${i}`], bytes };
});
let folder: string;
let path: string;

beforeAll(() => {
  builtWorker('create-worker'); // without it, nothing here would run in a thread
  folder = mkdtempSync(join(tmpdir(), 'millrace-create-built-'));
  path = join(folder, 'content');
  mkdirSync(path);
  for (const file of files) writeFileSync(join(path, ...file.path), file.bytes);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

test.each(['v1', 'v2', 'hybrid'] as const)('a %s torrent made in threads', async (format) => {
  const pieceLengthBytes = MIB / 2;
  const options = { format, name: 'content', isMultiFile: true, pieceLengthBytes, files };
  const outcome = await createTorrent(path, { format, pieceLengthBytes });
  expect(outcome.ok && outcome.created.metainfo.info.infoBytes).toEqual(sampleTorrent(options, crypto).infoBytes);
});

test('an abort ends the threads', async () => {
  const controller = new AbortController();
  const call = createTorrent(path, {
    signal: controller.signal,
    onProgress: ({ hashedBytes }) => {
      if (hashedBytes > 0) controller.abort(new Error('enough'));
    },
  });
  await expect(call).rejects.toThrow('enough');
});

test('a file that changes is noticed in threads too', async () => {
  const outcome = await createTorrent(path, {
    onProgress: ({ hashedBytes }) => {
      if (hashedBytes === 0) for (const name of ['f3', 'f5']) appendFileSync(join(path, name), 'x');
    },
  });
  expect(outcome).toMatchObject({ ok: false, error: { code: 'DISK_IO' } });
  expect(!outcome.ok && outcome.error.message).toMatch(/f[35] was changed while it was being hashed/);
});
