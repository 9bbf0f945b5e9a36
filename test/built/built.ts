// Finds the files of worker threads: those of the built package, and the tests' own, which are bundled like them.
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { workerUrl } from '../../src/node/disk/worker-url.ts';

/** The worker `name` as it is shipped; throws what to do when the package has not been built. */
export function builtWorker(name: string): URL {
  const url = workerUrl(name, import.meta.url);
  if (url === undefined) throw new Error(`dist/${name}.js is missing: run "npm run build" before the tests of test/`);
  return url;
}

/** Bundles the worker `fixtures/<name>.ts` into one file at `path`. */
export async function bundleWorker(name: string, path: string): Promise<void> {
  const input = fileURLToPath(new URL(`fixtures/${name}.ts`, import.meta.url));
  const build = await rolldown({ input, platform: 'node', tsconfig: false });
  await build.write({ file: path, format: 'es' });
  await build.close();
}
