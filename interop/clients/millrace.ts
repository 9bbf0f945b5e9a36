// Millrace's own command line as it is built, driven through its `--json` lines (docs: `millrace --help`).
import { join } from 'node:path';
import { fileFromRoot } from '../world/root.ts';
import type { RunningProcess } from '../world/running-process.ts';
import type { Host } from '../world/world.ts';
import { type Client, PEER_PORT, runningClient } from './client.ts';

/** `build`: the folder of another build than this repository's own. */
export const millraceMain = (build?: string): string =>
  build === undefined ? fileFromRoot('dist/cli/main.js') : join(build, 'dist/cli/main.js');
export const QUIET_NETWORK: readonly string[] = ['--no-dht', '--no-lsd', '--no-pex', '--no-utp', '--no-port-mapping'];

export interface MillraceEvent {
  readonly event: string;
  readonly [field: string]: unknown;
}

/** The JSON objects that the process has printed so far. A line that is not JSON throws: stdout is for machines. */
export function eventsOf(process: RunningProcess): MillraceEvent[] {
  return process.stdoutLines.map((line) => JSON.parse(line) as MillraceEvent);
}

export function eventNamed(name: string): (line: string) => boolean {
  return (line) => line.startsWith('{') && (JSON.parse(line) as MillraceEvent).event === name;
}

export function spawnMillrace(
  host: Host,
  args: readonly string[],
  nodeArguments: readonly string[] = [],
  build?: string,
): RunningProcess {
  return host.spawn('millrace', process.execPath, [...nodeArguments, millraceMain(build), ...args]);
}

/** The last lines; of the progress lines, only the last few. */
export function logOf(process: RunningProcess): string {
  const lines = process.tail(400).split('\n');
  return lines.filter((line, index) => index > lines.length - 6 || !eventNamed('progress')(line)).join('\n');
}

export const millrace: Client = {
  program: 'millrace',
  v2: true,
  createsEmptyFiles: true,
  takesPeers: true,
  async start({ host, source, dataDir, seeding, peers = [], overIpv6 = false, nodeArguments = [], ...more }) {
    const quiet = QUIET_NETWORK.filter((option) => option !== `--no-${more.discovery}`);
    const options = ['--json', '--port', String(PEER_PORT), ...quiet, ...(more.moreArguments ?? [])];
    if (overIpv6) options.push('--bind', host.address6);
    if (more.uploadBytesPerSecond !== undefined) options.push('--max-upload', String(more.uploadBytesPerSecond));
    const known = peers.flatMap((peer) => ['--peer', peer]);
    const process = spawnMillrace(
      host,
      seeding
        ? ['seed', source, '--data', dataDir, ...options, ...known]
        : ['download', source, '--output', dataDir, '--seed', ...options, ...known],
      nodeArguments,
      more.build,
    );
    const client = runningClient('millrace', process, async (timeoutMs) => {
      await process.waitForLine(eventNamed('complete'), timeoutMs, 'having every piece');
    });
    return { ...client, log: () => logOf(process) };
  },
};
