import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { dhtStatePath, readDhtState, writeDhtState } from './dht-state-file.ts';

test('what is written is read again, for the user alone; what cannot be kept is no error', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-dht-'));
  const env = { XDG_CACHE_HOME: folder };
  expect(dhtStatePath(env).startsWith(folder)).toBe(true);
  expect(await readDhtState(env)).toBeUndefined();
  for (const state of [Uint8Array.of(1, 2, 3), Uint8Array.of(4)]) {
    await writeDhtState(env, state);
    expect(await readDhtState(env)).toEqual(state);
  }
  expect(await readdir(dirname(dhtStatePath(env)))).toEqual(['dht.state']);
  expect((await stat(dhtStatePath(env))).mode & 0o077).toBe(0);
  const nowhere = { XDG_CACHE_HOME: join(dhtStatePath(env), 'a-file-is-no-folder') };
  await writeDhtState(nowhere, Uint8Array.of(1));
  expect(await readDhtState(nowhere)).toBeUndefined();
  await rm(folder, { recursive: true });
});
