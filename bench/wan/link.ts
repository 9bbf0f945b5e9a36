// A long link between the leecher's host and its seeds' hosts: compiles and runs link-emulator.c, gives the devices their
// addresses, and keeps what the emulator reports. Knows nothing of what passes.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileFromRoot } from '../../interop/world/root.ts';
import { runCommand } from '../../interop/world/run-command.ts';
import { RunningProcess } from '../../interop/world/running-process.ts';
import type { Host } from '../../interop/world/world.ts';
import type { LinkReport } from './link-figures.ts';

const PROGRAM = 'build/link-emulator';
const READY_MS = 10_000;
const DEVICE = 'wan0';
/** What a device of the emulator holds before the kernel drops: more than any window here, so that only the link drops. */
const DEVICE_QUEUE_PACKETS = 10_000;
const NEAR_ADDRESS = '10.78.0.1';

export interface LinkOptions {
  readonly roundTripMs: number;
  readonly rateMbit: number;
  readonly queueMs: number;
  readonly lossRatio: number;
}

/** @throws Error when there is no C compiler. */
export async function compileEmulator(): Promise<void> {
  const program = fileFromRoot(PROGRAM);
  mkdirSync(dirname(program), { recursive: true });
  await runCommand('cc', ['-O2', '-std=gnu11', '-o', program, fileFromRoot('bench/wan/link-emulator.c')]);
}

/** A host's address on the link: the near one's, or that of the far host with this index. */
export function linkAddress(farIndex?: number): string {
  return farIndex === undefined ? NEAR_ADDRESS : `10.78.0.${2 + farIndex}`;
}

async function setAddress({ namespace }: Host, address: string): Promise<void> {
  await runCommand('ip', ['-n', namespace, '-batch', '-'], {
    input: `
      address add ${address}/24 dev ${DEVICE}
      link set ${DEVICE} mtu 1500 txqueuelen ${DEVICE_QUEUE_PACKETS} up`,
  });
}

export class Link {
  readonly options: LinkOptions;
  readonly #process: RunningProcess;
  // BOUNDED: one report in 20 ms for as long as the benchmark runs.
  readonly reports: LinkReport[] = [];

  private constructor(options: LinkOptions, process: RunningProcess) {
    this.options = options;
    this.#process = process;
    process.watch((line) => {
      const [atMs = 0, toNearBytes = 0, toFarBytes = 0, droppedToNear = 0] = line.split(' ').map(Number);
      if (atMs > 0) this.reports.push({ atMs, toNearBytes, toFarBytes, droppedToNear });
    });
  }

  static async open(near: Host, far: readonly Host[], options: LinkOptions): Promise<Link> {
    const args = ['--near', near.namespace];
    for (const [index, { namespace }] of far.entries()) args.push('--far', `${namespace}=${linkAddress(index)}`);
    args.push('--delay-ms', String(options.roundTripMs / 2), '--rate-mbit', String(options.rateMbit));
    args.push('--queue-ms', String(options.queueMs), '--loss', String(options.lossRatio), '--device', DEVICE);
    const process = new RunningProcess('link-emulator', fileFromRoot(PROGRAM), args);
    const link = new Link(options, process);
    await process.waitForLine((line) => line === 'ready', READY_MS, 'making its devices');
    await setAddress(near, linkAddress());
    for (const [index, host] of far.entries()) await setAddress(host, linkAddress(index));
    return link;
  }

  /** The devices go with the emulator. */
  async close(): Promise<void> {
    await this.#process.stop();
  }
}
