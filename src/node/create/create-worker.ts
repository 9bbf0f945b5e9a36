// The worker thread of torrent creation: hashes what is left of a content.
import { serveJobs } from '../disk/serve-jobs.ts';
import { ContentHasher, type HashAnswer, type HashContent } from './content-hasher.ts';
import type { HashJob } from './hash-content.ts';

// BOUNDED: one for each content being hashed; the pool takes them away.
const hashers = new Map<number, ContentHasher>();

serveJobs<HashJob, HashAnswer>({
  addResource(id: number, value: unknown): void {
    hashers.set(id, new ContentHasher(value as HashContent));
  },
  removeResource(id: number): void {
    hashers.delete(id);
  },
  run({ contentId }: HashJob): HashAnswer {
    return hashers.get(contentId)!.hash(Number.POSITIVE_INFINITY);
  },
});
