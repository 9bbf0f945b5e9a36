// Where the command line keeps what the DHT has learnt: one small file in the user's cache folder, never where downloads go.
// Losing it costs a slower start, so nothing that goes wrong with it is an error.
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const STATE_MAX_BYTES = 65_536;

type Environment = Readonly<Record<string, string | undefined>>;

/** `$XDG_CACHE_HOME/millrace/dht.state`, on Windows under `%LOCALAPPDATA%`. */
export function dhtStatePath(env: Environment): string {
  const { XDG_CACHE_HOME: cache, LOCALAPPDATA: windowsCache } = env;
  const base =
    process.platform === 'win32' && windowsCache !== undefined
      ? windowsCache
      : cache?.startsWith('/') === true
        ? cache
        : join(env['HOME'] ?? homedir(), '.cache');
  return join(base, 'millrace', 'dht.state');
}

export async function readDhtState(env: Environment): Promise<Uint8Array | undefined> {
  try {
    const file = await open(dhtStatePath(env), 'r');
    try {
      const bytes = new Uint8Array(STATE_MAX_BYTES);
      const { bytesRead } = await file.read(bytes, 0, STATE_MAX_BYTES, 0);
      return bytes.slice(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    // Not there, or not ours to read: the DHT begins from its usual hosts.
    return undefined;
  }
}

/** Another process that writes at the same time has its own temporary file: one of both is there afterwards, whole. */
export async function writeDhtState(env: Environment, state: Uint8Array): Promise<void> {
  const path = dhtStatePath(env);
  const temporary = `${path}.${process.pid}`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(state);
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch {
    // No place for it: the next start is slower.
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}
