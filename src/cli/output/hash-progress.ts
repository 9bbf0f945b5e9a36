// The progress of hashing on stderr, on a terminal only: stdout belongs to the result.
import type { HashProgress } from '../../engine/api.ts';
import type { CliContext } from '../context.ts';
import { LiveLines } from './live-lines.ts';
import { progressBar } from './status-line.ts';

const INTERVAL_MS = 100;

export interface HashProgressLine {
  update(progress: HashProgress): void;
  /** Takes the line off the screen. */
  end(): void;
}

export function createHashProgress(context: CliContext, label: string, isQuiet: boolean): HashProgressLine {
  if (isQuiet || context.stderr.isTTY !== true || context.env['TERM'] === 'dumb') {
    return { update: () => {}, end: () => {} };
  }
  const lines = new LiveLines(context.stderr);
  let drawnMs = Number.NEGATIVE_INFINITY;
  return {
    update: (progress) => {
      const nowMs = context.nowMs();
      if (nowMs - drawnMs < INTERVAL_MS) return;
      drawnMs = nowMs;
      const share = shareHashed(progress);
      lines.draw([`${label}  ${progressBar(share, false)}  ${Math.floor(share * 100)} %`]);
    },
    end: () => lines.end(),
  };
}

/** 0 to 1; nothing to hash is done. */
export function shareHashed({ hashedBytes, totalBytes }: HashProgress): number {
  return totalBytes === 0 ? 1 : hashedBytes / totalBytes;
}
