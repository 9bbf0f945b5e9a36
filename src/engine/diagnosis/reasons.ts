// Why a torrent or a peer is as fast as it is: the codes, which are promises, and the shape of an answer. docs/diagnosis.md
// has a sentence for each code; scripts/check-docs.mjs holds the two together.

/** Why a torrent is where it is. Codes keep their meaning between versions. */
export type TorrentReasonCode =
  | 'stopped'
  | 'failed'
  | 'checking'
  | 'waiting-for-metadata'
  | 'no-sources'
  | 'finding-peers'
  | 'no-peers'
  | 'dialling'
  | 'peers-unreachable'
  | 'connection-limit'
  | 'no-memory'
  | 'nothing-wanted'
  | 'pieces-nobody-has'
  | 'choked-by-all'
  | 'stalled-peers'
  | 'download-limit-session'
  | 'download-limit-torrent'
  | 'download-limit-peers'
  | 'peer-request-queues'
  | 'disk-writes'
  | 'downloading'
  | 'nobody-interested'
  | 'nobody-asks'
  | 'slots-full'
  | 'upload-limit-session'
  | 'upload-limit-torrent'
  | 'upload-limit-peers'
  | 'disk-reads'
  | 'uploading';

/**
 * Why a connected peer gives what it gives; of a torrent that is complete, why it gets what it gets. Codes keep their
 * meaning between versions.
 */
export type PeerReasonCode =
  | 'not-interesting'
  | 'choking-us'
  | 'free-riding'
  | 'snubbed'
  | 'disk-writes'
  | 'no-memory'
  | 'download-limit'
  | 'request-queue'
  | 'asked-of-others'
  | 'giving'
  | 'not-interested'
  | 'no-slot'
  | 'upload-limit'
  | 'disk-reads'
  | 'asks-nothing'
  | 'taking';

/** What a reason does: nothing moves until it has gone, something could move faster without it, or nothing is wrong. */
export type ReasonEffect = 'waiting' | 'limited' | 'fine';

/** One reason, for programs and for people. */
export interface TorrentReason {
  readonly code: TorrentReasonCode;
  readonly effect: ReasonEffect;
  /** One sentence. May quote a tracker's words: hostile text. Free to change; branch on `code`. */
  readonly message: string;
  /** The numbers and words in the sentence, by the names that docs/diagnosis.md lists. */
  readonly details: Readonly<Record<string, number | string>>;
}

/** The main reason, and what else holds the torrent up. */
export interface TorrentDiagnosis extends TorrentReason {
  /** Most important first. */
  readonly further: readonly TorrentReason[];
  /** How many connected peers there are for each reason of theirs. */
  readonly peers: PeerReasonCounts;
}

/** Connected peers by their reason; reasons that no peer has are absent. */
export type PeerReasonCounts = Readonly<Partial<Record<PeerReasonCode, number>>>;

/** Why one peer gives, or gets, what it does. */
export interface PeerReason {
  readonly code: PeerReasonCode;
  /** One sentence. Free to change; branch on `code`. */
  readonly message: string;
}
