// Before the first interoperability test: are we root, are the programs there, is the rival package installed, is Millrace built?
// Each missing thing is one clear sentence, never a skipped test. After the last test: nothing of the run is left behind.
import { existsSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileFromRoot } from './world/root.ts';
import { runCommand } from './world/run-command.ts';
import { sweepNamespaces } from './world/world.ts';

/** Program → Debian package. */
const PROGRAMS: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  opentracker: 'opentracker',
  aria2c: 'aria2',
  'transmission-daemon': 'transmission-daemon',
  'transmission-remote': 'transmission-cli',
  'transmission-create': 'transmission-cli',
  'transmission-show': 'transmission-cli',
  rtorrent: 'rtorrent',
  mktorrent: 'mktorrent',
  setpriv: 'util-linux',
};

function isOnPath(program: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => existsSync(join(folder, program)));
}

async function missingPackages(): Promise<string[]> {
  const missing = Object.entries(PROGRAMS).filter(([program]) => !isOnPath(program));
  const packages = new Set(missing.map(([, debianPackage]) => debianPackage));
  const python = await runCommand('/usr/bin/python3', ['-c', 'import libtorrent'], { allowFailure: true }).catch(
    () => undefined,
  );
  if (python?.code !== 0) packages.add('python3-libtorrent');
  return [...packages];
}

async function installRivals(): Promise<void> {
  const folder = fileFromRoot('interop/rivals');
  const installed = join(folder, 'node_modules', '.package-lock.json');
  const wanted = join(folder, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return;
  await runCommand('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder, timeoutMs: 300_000 });
}

export async function setup(): Promise<() => void> {
  if (process.getuid?.() !== 0) {
    throw new Error(
      'The interoperability tests create network namespaces and must run as root: start them as root (sudo npm run test:interop).',
    );
  }
  const missing = await missingPackages();
  if (missing.length > 0) {
    throw new Error(
      `The interoperability tests need programs that are not installed: apt-get install ${missing.join(' ')}`,
    );
  }
  process.env['MILLRACE_INTEROP_RUN'] = String(process.pid);
  sweepNamespaces();
  await installRivals();
  await runCommand('npm', ['run', '--silent', 'build'], { cwd: fileFromRoot('.'), timeoutMs: 180_000 });
  return () => {
    sweepNamespaces(true);
  };
}
