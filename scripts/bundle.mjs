// Writes what is shipped: src/ as a few files in dist/ instead of one file a module, since a program that imports the package
// would pay for finding, reading and linking each of them (docs/adr/0008). The types beside it come from tsc.
// Every file stands flat in dist/, so that a worker's file is beside whichever file starts it (src/node/disk/worker-url.ts).
// A file whose content has not changed is left alone: programs that run from dist/ are not disturbed by a second build.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const OUT = join(ROOT, 'dist');

/** Entries of one bundle share their modules. A worker loads one file and shares nothing with the thread that starts it. */
const BUNDLES = [
  { index: 'src/index.ts', 'cli/main': 'src/cli/main.ts' },
  { 'disk-worker': 'src/node/disk/disk-worker.ts' },
  { 'create-worker': 'src/node/create/create-worker.ts' },
];

/** Node's modules and the package's dependencies stay imports. */
const isExternal = (specifier) => !specifier.startsWith('.') && !isAbsolute(specifier);

/** Path below dist/ → text. */
async function bundle(input) {
  const build = await rolldown({
    input: Object.fromEntries(Object.entries(input).map(([name, path]) => [name, join(ROOT, path)])),
    external: isExternal,
    platform: 'node',
    tsconfig: false,
    transform: { target: 'node20.19' },
  });
  try {
    const { output } = await build.generate({
      dir: OUT,
      format: 'es',
      sourcemap: true,
      comments: false,
      // ASCII alone is read, kept and scanned at one byte a character. Names stay: stack traces must be readable.
      minify: { compress: false, mangle: false, codegen: { removeWhitespace: false, asciiOnly: true } },
      entryFileNames: '[name].js',
      chunkFileNames: '[name].js',
    });
    return output.map((file) => [file.fileName, file.type === 'chunk' ? file.code : file.source]);
  } finally {
    await build.close();
  }
}

/** What stands in dist/ and is none of tsc's: `types` and its notes on what is up to date. */
function* bundledFiles(folder = OUT) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (path !== join(OUT, 'types')) yield* bundledFiles(path);
    } else if (!entry.name.endsWith('.tsbuildinfo')) yield path;
  }
}

function writeChanged(path, text) {
  let old;
  try {
    old = readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  if (old === text) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

const files = new Map((await Promise.all(BUNDLES.map(bundle))).flat());
mkdirSync(OUT, { recursive: true });
for (const path of bundledFiles()) if (!files.has(relative(OUT, path).replaceAll('\\', '/'))) rmSync(path);
for (const [name, text] of files) writeChanged(join(OUT, name), text);
