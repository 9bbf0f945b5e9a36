// Finds the folder that a torrent's paths start from, given the folder or file that a user calls "the data".
import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/**
 * `data` itself when it holds the torrent's first path part; its parent when `data` is that part: a user who names
 * the torrent's own folder or file means what is in it.
 */
export async function resolveDataFolder(data: string, firstPart: string | undefined): Promise<string> {
  const folder = resolve(data);
  if (firstPart === undefined || (await exists(join(folder, firstPart)))) return folder;
  return basename(folder) === firstPart && (await exists(folder)) ? dirname(folder) : folder;
}

/** Whether anything stands there that may be looked at. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    // Missing or not to be looked at: either way nothing is there for us.
    return false;
  }
}
