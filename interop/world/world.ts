// A small private network: one namespace with a bridge, and one namespace per host with a veth pair into it. Nothing is
// created in the machine's own namespace, so its addresses cannot clash with anything. Owns names, addresses and removal.
//
// Names carry the process id of the test run (`mr<pid>-<serial>-<host>`): `sweepNamespaces` removes what a killed run left.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CommandResult, type RunOptions, runCommand } from './run-command.ts';
import { type ProcessOptions, RunningProcess } from './running-process.ts';

const NAME_PATTERN = /^mr(\d+)-/;
const FOLDER_PREFIX = 'millrace-interop-';
const HOSTS_MAX = 200; // one address each in a /24
let worldSerial = 0;

/** Process id that owns the namespaces of this run: the test runner's where it set one, else this process. */
export function runId(): number {
  return Number(process.env['MILLRACE_INTEROP_RUN'] ?? process.pid);
}

function listNamespaces(): string[] {
  const { stdout } = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' });
  return (stdout ?? '')
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((name) => NAME_PATTERN.test(name));
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Ends what still runs in a namespace, then removes the namespace with its interfaces. Synchronous: also runs at exit. */
function removeNamespace(name: string): void {
  const { stdout } = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' });
  for (const pid of (stdout ?? '').split('\n').map(Number)) {
    if (pid > 1 && pid !== process.pid) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended between the listing and the signal.
      }
    }
  }
  spawnSync('ip', ['netns', 'del', name]);
}

/**
 * Removes the namespaces of runs whose process is gone, and their folders in `folder`; with `ownRun` those of this run too.
 */
export function sweepNamespaces(ownRun = false, folder: string = tmpdir()): number {
  let removed = 0;
  const isLeftOver = (owner: number): boolean => (owner === runId() ? ownRun : !isAlive(owner));
  for (const name of listNamespaces()) {
    if (isLeftOver(Number(NAME_PATTERN.exec(name)?.[1]))) {
      removeNamespace(name);
      removed++;
    }
  }
  for (const name of readdirSync(folder)) {
    const owner = Number(name.startsWith(FOLDER_PREFIX) ? name.slice(FOLDER_PREFIX.length).split('-')[0] : Number.NaN);
    if (owner > 0 && isLeftOver(owner) && process.env['MILLRACE_INTEROP_KEEP'] === undefined) {
      rmSync(join(folder, name), { recursive: true, force: true });
    }
  }
  return removed;
}

/** One machine of the private network. */
export class Host {
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
  readonly address6: string;

  constructor(name: string, namespace: string, serial: number) {
    this.name = name;
    this.namespace = namespace;
    this.address = `10.77.0.${serial}`;
    this.address6 = `fd00:77::${serial}`;
  }

  spawn(label: string, command: string, args: readonly string[], options: ProcessOptions = {}): RunningProcess {
    return new RunningProcess(label, 'ip', ['netns', 'exec', this.namespace, command, ...args], options);
  }

  run(command: string, args: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
    return runCommand('ip', ['netns', 'exec', this.namespace, command, ...args], options);
  }

  /** Takes the host's cable out or puts it back. */
  async setLink(state: 'up' | 'down'): Promise<void> {
    await runCommand('ip', ['-n', this.namespace, 'link', 'set', 'eth0', state]);
  }
}

export class World {
  readonly directory: string;
  readonly #prefix: string;
  readonly #switch: string;
  readonly #hosts: Host[] = []; // BOUNDED: HOSTS_MAX
  #closed = false;
  readonly #onExit = (): void => this.close();

  private constructor(directory: string) {
    this.directory = directory;
    this.#prefix = `mr${runId()}-${process.pid.toString(36)}${worldSerial++}`;
    this.#switch = `${this.#prefix}-switch`;
  }

  /**
   * `folder` is where the files of the world go.
   * @throws Error when not root, in one sentence: network namespaces need CAP_SYS_ADMIN.
   */
  static async create(folder: string = tmpdir()): Promise<World> {
    if (process.getuid?.() !== 0) {
      throw new Error(
        'The interoperability tests create network namespaces and must run as root (try: sudo npm run test:interop).',
      );
    }
    const world = new World(mkdtempSync(join(folder, `${FOLDER_PREFIX}${runId()}-`)));
    process.once('exit', world.#onExit);
    await runCommand('ip', ['netns', 'add', world.#switch]);
    await runCommand('ip', ['-n', world.#switch, 'link', 'add', 'bridge0', 'type', 'bridge', 'forward_delay', '0']);
    await runCommand('ip', ['-n', world.#switch, 'link', 'set', 'bridge0', 'up']);
    return world;
  }

  async addHost(name: string): Promise<Host> {
    const serial = this.#hosts.length + 1;
    if (serial > HOSTS_MAX) throw new Error(`a world has at most ${HOSTS_MAX} hosts`);
    const host = new Host(name, `${this.#prefix}-${serial}-${name}`, serial);
    this.#hosts.push(host);
    const port = `port${serial}`;
    await runCommand('ip', ['netns', 'add', host.namespace]);
    const inSwitch = `
      link add ${port} type veth peer name eth0 netns ${host.namespace}
      link set ${port} master bridge0
      link set ${port} up`;
    const inHost = `
      link set lo up
      address add ${host.address}/24 dev eth0
      address add ${host.address6}/64 dev eth0 nodad
      link set eth0 up`;
    await runCommand('ip', ['-n', this.#switch, '-batch', '-'], { input: inSwitch });
    await runCommand('ip', ['-n', host.namespace, '-batch', '-'], { input: inHost });
    return host;
  }

  /** Removes every namespace, what still runs in them, and the files. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    process.removeListener('exit', this.#onExit);
    for (const host of this.#hosts) removeNamespace(host.namespace);
    removeNamespace(this.#switch);
    if (process.env['MILLRACE_INTEROP_KEEP'] === undefined) rmSync(this.directory, { recursive: true, force: true });
  }
}
