// What leaves and reaches each host of a crowd: limits the uplinks with tc's token bucket, and reads the hosts' counters from the
// outside while a run goes on. Knows nothing of who uses them.
import { readFileSync, readlinkSync } from 'node:fs';
import { runCommand } from '../../interop/world/run-command.ts';
import type { Host } from '../../interop/world/world.ts';
import type { TrafficSample } from './utilisation.ts';

export interface UplinkOptions {
  readonly mbit: number;
  /** What the bucket holds: sent at once after a pause. */
  readonly burstKib: number;
  /** The longest that a packet waits before it; others are dropped. */
  readonly queueMs: number;
}

/** The host sends no faster than this from now on, headers of TCP, IP and Ethernet included. Receiving is not limited. */
export async function limitUplink({ namespace }: Host, { mbit, burstKib, queueMs }: UplinkOptions): Promise<void> {
  const bucket = ['rate', `${mbit}mbit`, 'burst', `${burstKib}kb`, 'latency', `${queueMs}ms`];
  await runCommand('tc', ['-n', namespace, 'qdisc', 'replace', 'dev', 'eth0', 'root', 'tbf', ...bucket]);
}

export const SAMPLE_MS = 250;

interface Counters {
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** Samples the traffic of several processes' hosts, each from the first look at which its process is on its host. */
export class TrafficWatch {
  readonly #outside = readlinkSync('/proc/self/ns/net');
  readonly #startedMs: number;
  readonly #timer: NodeJS.Timeout;
  readonly #watched: { readonly processId: number; base: Counters | undefined; readonly samples: TrafficSample[] }[] =
    [];

  constructor(startedMs: number) {
    this.#startedMs = startedMs;
    this.#timer = setInterval(() => this.#look(), SAMPLE_MS);
  }

  /** The samples grow as time passes. */
  watch(processId: number): readonly TrafficSample[] {
    const samples: TrafficSample[] = [];
    this.#watched.push({ processId, base: this.#counters(processId), samples });
    return samples;
  }

  stop(): void {
    this.#look();
    clearInterval(this.#timer);
  }

  #look(): void {
    const seconds = (performance.now() - this.#startedMs) / 1000;
    for (const watched of this.#watched) {
      const now = this.#counters(watched.processId);
      if (now === undefined) continue;
      watched.base ??= now;
      const { sentBytes, receivedBytes } = watched.base;
      watched.samples.push({
        seconds,
        sentBytes: now.sentBytes - sentBytes,
        receivedBytes: now.receivedBytes - receivedBytes,
      });
    }
  }

  /** Undefined while the process has not entered its namespace, and when it has ended. */
  #counters(processId: number): Counters | undefined {
    try {
      if (readlinkSync(`/proc/${processId}/ns/net`) === this.#outside) return undefined;
      const fields = /^\s*eth0:\s*(.*)$/m.exec(readFileSync(`/proc/${processId}/net/dev`, 'utf8'))?.[1]?.split(/\s+/);
      if (fields === undefined) return undefined;
      return { receivedBytes: Number(fields[0]), sentBytes: Number(fields[8]) };
    } catch {
      return undefined;
    }
  }
}
