// Loads modules of the built package: what runs in worker threads exists only there.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Imports `dist/<path>`; fails with what to do when the package has not been built. */
export async function importBuilt<Module>(path: string): Promise<Module> {
  const url = new URL(`../../dist/${path}`, import.meta.url);
  if (!existsSync(fileURLToPath(url))) {
    throw new Error(`dist/${path} is missing: run "npm run build" before the tests of test/dist`);
  }
  return (await import(fileURLToPath(url))) as Module;
}
