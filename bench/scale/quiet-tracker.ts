// An HTTP tracker that knows nobody and is content: it counts who asks, and how many ask at the same time.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const REPLY = 'd8:completei1e10:incompletei0e8:intervali1800e5:peers0:e';
/** How long an answer takes, as if the tracker were not on this machine. */
const ANSWER_MS = 5;

export class QuietTracker {
  readonly #server: Server;
  announceCount = 0;
  #openCount = 0;
  openCountMax = 0;

  private constructor() {
    this.#server = createServer((_request, response) => {
      this.announceCount++;
      this.openCountMax = Math.max(this.openCountMax, ++this.#openCount);
      setTimeout(() => {
        this.#openCount--;
        response.end(REPLY);
      }, ANSWER_MS);
    });
  }

  static async start(): Promise<QuietTracker> {
    const tracker = new QuietTracker();
    await new Promise<void>((resolve) => tracker.#server.listen(0, '127.0.0.1', resolve));
    return tracker;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/announce`;
  }

  async waitForAnnounces(count: number, timeoutMs: number): Promise<void> {
    const endMs = performance.now() + timeoutMs;
    while (this.announceCount < count) {
      if (performance.now() > endMs) throw new Error(`${this.announceCount} of ${count} torrents have announced`);
      await delay(20);
    }
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
