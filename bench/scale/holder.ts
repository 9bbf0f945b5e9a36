// A program that holds torrents and does what lines on its standard input say, each answered by one line of JSON:
// `bulk FROM TO` adds torrents and answers once all of them seed. The Millrace one knows more: see hold-torrents.ts.

import { SYSTEM_PYTHON } from '../../interop/clients/libtorrent.ts';
import { fileFromRoot } from '../../interop/world/root.ts';
import { RunningProcess } from '../../interop/world/running-process.ts';
import type { Library } from './library.ts';
import { type ProcessUsage, usageOf } from './process-usage.ts';

export type HolderProgram = 'millrace' | 'libtorrent' | 'webtorrent';
/** `verified`: what is on disk is hashed. `trusted`: files of the right length are believed. */
export type CheckMode = 'verified' | 'trusted';

const ANSWER_TIMEOUT_MS = 600_000;

const COMMANDS: Readonly<Record<HolderProgram, () => readonly [command: string, ...args: string[]]>> = {
  millrace: () => [process.execPath, '--expose-gc', fileFromRoot('build/bench/scale/hold-torrents.js')],
  libtorrent: () => [SYSTEM_PYTHON, fileFromRoot('bench/scale/hold-libtorrent.py')],
  webtorrent: () => [process.execPath, fileFromRoot('bench/scale/hold-webtorrent.mjs')],
};

export class Holder {
  readonly #process: RunningProcess;
  #answerCount = 0;

  private constructor(running: RunningProcess) {
    this.#process = running;
  }

  /** Resolves once the program is up and waits for commands. */
  static async start(program: HolderProgram, library: Library, mode: CheckMode): Promise<Holder> {
    const [command, ...args] = COMMANDS[program]();
    const running = new RunningProcess(program, command, [...args, library.torrentDir, library.dataDir, mode], {
      env: { ...process.env, WEBTORRENT_MANIFEST: fileFromRoot('interop/rivals/package.json') },
    });
    const holder = new Holder(running);
    await holder.#answer();
    return holder;
  }

  async ask<Answer>(command: string): Promise<Answer> {
    this.#process.writeLine(command);
    return JSON.parse(await this.#answer()) as Answer;
  }

  usage(): ProcessUsage {
    return usageOf(this.#process.child.pid ?? 0);
  }

  async stop(): Promise<void> {
    await this.#process.stop('SIGKILL');
  }

  async #answer(): Promise<string> {
    const wanted = ++this.#answerCount;
    const isAnswer = (line: string): boolean => new RegExp(`^{"answer":${wanted}[,}]`).test(line);
    try {
      return await this.#process.waitForLine(isAnswer, ANSWER_TIMEOUT_MS, `answer ${wanted}`);
    } catch (error) {
      console.error(this.#process.tail());
      throw error;
    }
  }
}
