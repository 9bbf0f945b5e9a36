// Finds files of the repository from wherever the running copy lies (sources under vitest, build/ for benchmarks).
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && (JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string }).name === 'millrace') {
      return folder;
    }
    const parent = dirname(folder);
    if (parent === folder) throw new Error('The millrace package.json was not found above this file.');
    folder = parent;
  }
}

const root = findRoot();

export function fileFromRoot(path: string): string {
  return join(root, path);
}
