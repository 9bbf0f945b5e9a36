// The worker thread of torrent creation: hashes the ranges of pieces that it is told to.
import { serveJobs } from '../disk/serve-jobs.ts';
import type { HashJob } from './hash-content.ts';
import { type HashAnswer, type HashContent, RangeHasher } from './range-hasher.ts';

// BOUNDED: one for each content being hashed; the pool takes them away.
const hashers = new Map<number, RangeHasher>();

serveJobs<HashJob, HashAnswer>({
  addResource(id: number, value: unknown): void {
    hashers.set(id, new RangeHasher(value as HashContent));
  },
  removeResource(id: number): void {
    hashers.get(id)?.close();
    hashers.delete(id);
  },
  run({ contentId, firstPiece, pieceCount }: HashJob): HashAnswer {
    return hashers.get(contentId)!.hash(firstPiece, pieceCount);
  },
});
