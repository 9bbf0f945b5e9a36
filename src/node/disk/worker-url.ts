// The one place that knows where a worker thread's file stands. Import rewriting does not reach file names in
// strings, and Node 20 cannot run TypeScript in a worker, so code that runs from sources uses the built file.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The file of a worker; `name` is its path under `src/node` without the extension, such as `disk/disk-worker`.
 * Undefined when running from sources that have not been built: the caller then works on its own thread.
 */
export function workerUrl(name: string): URL | undefined {
  const here = import.meta.url;
  if (!here.endsWith('.ts')) return new URL(`../${name}.js`, here);
  const built = new URL(`../../../dist/node/${name}.js`, here);
  return existsSync(fileURLToPath(built)) ? built : undefined;
}
