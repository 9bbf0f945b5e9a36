// Asks HTTP questions from inside a host's namespace, through one helper process that stays up (probe.mjs).
import { fileFromRoot } from './root.ts';
import { type RunningProcess, within } from './running-process.ts';
import type { Host } from './world.ts';

interface ProbeAnswer {
  readonly id: number;
  readonly body?: string;
  readonly error?: string;
}

export class Probe {
  readonly #process: RunningProcess;
  readonly #waiting = new Map<number, (answer: ProbeAnswer) => void>();
  #nextId = 1;

  constructor(host: Host) {
    this.#process = host.spawn(`probe on ${host.name}`, process.execPath, [fileFromRoot('interop/world/probe.mjs')]);
    this.#process.watch((line) => {
      const answer = JSON.parse(line) as ProbeAnswer;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  /** The body as latin1 text (a byte a character), or undefined when the server could not be asked. */
  async get(url: string): Promise<string | undefined> {
    const id = this.#nextId++;
    const answered = new Promise<ProbeAnswer>((resolve) => this.#waiting.set(id, resolve));
    this.#process.writeLine(JSON.stringify({ id, url }));
    const answer = await within(answered, 10_000, () => `${this.#process.label} did not answer`);
    return answer.body;
  }

  async stop(): Promise<void> {
    await this.#process.stop('SIGKILL');
  }
}
