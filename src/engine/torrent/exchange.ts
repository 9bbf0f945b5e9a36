// The machines of one torrent that only peers set to work: downloading, uploading, hash requests, and what they share.
// Made when the first peer comes. A torrent that nobody is connected to has none of it, so that thousands of them can
// be held.

import type { Storage } from '../../platform/disk.ts';
import { Choker } from '../../swarm/choker.ts';
import { PassingOn } from '../../swarm/passing-on.ts';
import { PeerTrust } from '../../swarm/peer-trust.ts';
import { PieceHashBlame } from '../../swarm/piece-hash-blame.ts';
import { PieceJudge } from '../../swarm/piece-judge.ts';
import type { PiecePicker } from '../../swarm/piece-picker.ts';
import type { RateLimiter } from '../../swarm/rate-limiter.ts';
import type { EngineContext } from '../session/engine-context.ts';
import { TransferGate } from '../transfer-gate.ts';
import { Download, type DownloadHost } from './download.ts';
import { HashExchange, type HashExchangeHost } from './hash-exchange.ts';
import { Spreading, type SpreadingOptions } from './spreading.ts';
import type { TorrentContent } from './torrent-content.ts';
import { Upload, type UploadHost } from './upload.ts';

export interface ExchangeParts {
  readonly content: TorrentContent;
  readonly storage: Storage;
  readonly picker: PiecePicker;
  readonly downloadLimiter: RateLimiter;
  readonly uploadLimiter: RateLimiter;
  readonly spreading: Omit<SpreadingOptions, 'pieceLengthBytes' | 'random' | 'seenAt'>;
}

export class Exchange {
  readonly download: Download;
  readonly upload: Upload;
  readonly hashes: HashExchange;
  readonly spreading: Spreading;
  readonly blame: PieceHashBlame = new PieceHashBlame();
  readonly trust: PeerTrust = new PeerTrust();
  readonly downloadGate: TransferGate;
  readonly uploadGate: TransferGate;

  constructor(context: EngineContext, host: DownloadHost & UploadHost & HashExchangeHost, parts: ExchangeParts) {
    const { content, storage, picker } = parts;
    const { crypto } = context.platform;
    const { createChoker = (options) => new Choker(options) } = context.replaced;
    this.downloadGate = new TransferGate(parts.downloadLimiter, context.deadlines, context.downloadGate);
    this.uploadGate = new TransferGate(parts.uploadLimiter, context.deadlines, context.uploadGate);
    this.download = new Download(host, {
      picker,
      storage,
      pool: context.pool,
      judge: new PieceJudge(this.blame, this.trust),
      gate: this.downloadGate,
      pressure: context.pressure,
      crypto,
    });
    this.upload = new Upload(host, {
      storage,
      choker: createChoker({
        slots: context.uploadBudget.slots,
        random: crypto.random,
        seedingChoker: context.settings.seedingChoker,
      }),
      gate: this.uploadGate,
      buffers: context.sendBuffers,
      budget: context.uploadBudget,
      passingOn: new PassingOn(),
    });
    this.spreading = new Spreading({
      ...parts.spreading,
      pieceLengthBytes: content.info.pieceLengthBytes,
      random: crypto.random,
      seenAt: (pieceIndex) => picker.availabilityOf(pieceIndex),
    });
    this.hashes = new HashExchange(host, { content, storage, crypto, deadlines: context.deadlines });
  }

  /** Nothing of it calls back any more, but answers of the disk. */
  stop(): void {
    this.download.stop();
    this.upload.stop();
    this.hashes.stop();
    this.downloadGate.close();
    this.uploadGate.close();
  }
}
