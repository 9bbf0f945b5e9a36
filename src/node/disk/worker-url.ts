// The one place that knows where a worker thread's file stands: beside the file that starts it, as it is shipped
// (scripts/bundle.mjs) and as the tools are compiled. Import rewriting does not reach file names in strings, and Node 20
// cannot run TypeScript in a worker, so code that runs from sources uses the built file.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The file of the worker `name`, such as `disk-worker`; `here` is the `import.meta.url` of a module in the same folder of
 * `src`. Undefined when running from sources that have not been built: the caller then works on its own thread.
 */
export function workerUrl(name: string, here: string): URL | undefined {
  if (!here.endsWith('.ts')) return new URL(`./${name}.js`, here);
  const built = new URL(`../../../dist/${name}.js`, import.meta.url);
  return existsSync(fileURLToPath(built)) ? built : undefined;
}
