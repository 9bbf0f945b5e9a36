// Where the runner puts its pictures. Only the runner imports this: the world itself knows no files.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Name → text. The folder is made when there is none. */
export function writeFiles(folder: string, files: ReadonlyMap<string, string>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of files) writeFileSync(join(folder, name), content);
}
