// The thread's side of `WorkerPool`: a worker's file calls `serveJobs` once. Jobs run one after the other, in the
// order sent; answers go back together, at the latest `ANSWER_DELAY_MS` after the first of them was ready.
import { parentPort } from 'node:worker_threads';
import { assert } from '../../base/assert.ts';

/** How long a ready answer may wait for the others of its batch, in ms. */
const ANSWER_DELAY_MS = 2;

/** What stands before each operand in a batch. */
export const OP_JOB = 0;
export const OP_RESOURCE = 1;
export const OP_FORGET = 2;
export const OP_END = 3;

/** What a thread does with what the pool sends it. */
export interface JobHandler<Job, Answer> {
  /** A value that later jobs refer to by its number. */
  addResource(id: number, value: unknown): void;
  /** No later job refers to it. */
  removeResource(id: number): void;
  /** Does one job. An exception becomes the job's failure. */
  run(job: Job): Answer;
}

/** Takes jobs from the pool that started this thread, until the pool closes. */
export function serveJobs<Job, Answer>(handler: JobHandler<Job, Answer>): void {
  const port = parentPort;
  assert(port !== null, 'serveJobs runs in a worker thread only');
  // BOUNDED: two entries a job of the batch being worked on.
  let answers: unknown[] = [];
  let readySinceMs = 0;
  const post = (): void => {
    if (answers.length === 0) return;
    port.postMessage(answers);
    answers = [];
  };
  const answer = (jobId: number, value: unknown): void => {
    const nowMs = performance.now();
    if (answers.length === 0) readySinceMs = nowMs;
    answers.push(jobId, value);
    if (nowMs - readySinceMs > ANSWER_DELAY_MS) post();
  };
  const runJob = (jobId: number, job: Job): void => {
    try {
      answer(jobId, handler.run(job));
    } catch (error) {
      // A number below zero marks a failure; an Error would lose its class on the way, so only its text goes.
      answer(-jobId, error instanceof Error ? error.message : String(error));
    }
  };
  port.on('message', (batch: readonly unknown[]) => {
    for (let i = 0; i < batch.length; i += 3) {
      const id = batch[i + 1] as number;
      const operation = batch[i];
      if (operation === OP_JOB) runJob(id, batch[i + 2] as Job);
      else if (operation === OP_RESOURCE) handler.addResource(id, batch[i + 2]);
      else if (operation === OP_FORGET) handler.removeResource(id);
      else if (operation === OP_END) port.close();
    }
    post();
  });
  // The first message says that the thread takes jobs.
  port.postMessage([]);
}
