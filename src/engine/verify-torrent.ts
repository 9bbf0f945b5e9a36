// Hashes a folder against a .torrent file: opens no socket, creates and changes nothing.
import type { Platform } from '../platform/platform.ts';
import { SessionError } from '../platform/session-error.ts';
import type { VerifyResult, VerifyTorrentOptions } from './api.ts';
import { Checker } from './torrent/checker.ts';
import { TorrentContent } from './torrent/torrent-content.ts';
import { VerifyReport } from './torrent/verify-report.ts';
import { parseTorrentSource } from './torrent-source.ts';

/** @throws {SessionError} `METAINFO_INVALID`, `DISK_…`; `signal.reason` when it aborts. */
export function verifyTorrentOn(
  platform: Platform,
  metainfo: Uint8Array,
  folder: string,
  options: VerifyTorrentOptions = {},
): Promise<VerifyResult> {
  const { info } = parseTorrentSource(metainfo, platform.crypto);
  const content = new TorrentContent(info!);
  const wanted = content.files.map(() => true);
  const storage = platform.disk.openStorage(content.storageSpec(platform.resolvePath(folder), wanted));
  const report = new VerifyReport(content);
  let hashedBytes = 0;
  return new Promise<VerifyResult>((resolve, reject) => {
    const { signal } = options;
    if (signal?.aborted === true) return storage.close(() => reject(signal.reason));
    const handleAbort = (): void => {
      checker.cancel();
      storage.close(() => reject(signal?.reason));
    };
    const checker = new Checker(
      { storage, content, concurrency: platform.disk.hashConcurrency },
      {
        handlePieceChecked: (pieceIndex, verdict) => {
          report.add(pieceIndex, verdict);
          hashedBytes += content.pieceSizeBytes(pieceIndex);
          options.onProgress?.({ hashedBytes, totalBytes: content.layout.spaceBytes });
        },
        handleChecked: (error, files) => {
          signal?.removeEventListener('abort', handleAbort);
          report.finish(files);
          storage.close(() => {
            if (error === undefined) resolve(report.result());
            else reject(new SessionError(error.code, error.message, { operation: 'verify' }));
          });
        },
      },
    );
    signal?.addEventListener('abort', handleAbort, { once: true });
    checker.start('always');
  });
}
