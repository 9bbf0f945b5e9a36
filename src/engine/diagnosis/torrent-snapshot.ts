// What a diagnosis is made of: one moment of a torrent as plain values. Nothing here can be asked for more.
import type { DialSummary } from '../../swarm/dial-queue.ts';
import type { TorrentState } from '../api.ts';
import type { PeerReasonCounts } from './reasons.ts';

export interface TorrentSnapshot {
  readonly state: TorrentState;
  /** Why the state is `failed`. */
  readonly error: { readonly code: string; readonly message: string } | undefined;
  readonly pieceCount: number;
  readonly checkedPieceCount: number;
  readonly havePieceCount: number;
  /** There are files, and the user wants none of them. */
  readonly isNothingWanted: boolean;
  /** Connected peers; while the metadata is fetched, those that are asked for it. */
  readonly peerCount: number;
  readonly peers: PeerReasonCounts;
  readonly interestedInUsCount: number;
  readonly connections: ConnectionFacts;
  readonly sources: SourceFacts;
  /** Undefined while no peer is connected, or nothing is known to be missing. */
  readonly download: DownloadFacts | undefined;
  /** Undefined while no peer is connected. */
  readonly upload: UploadFacts | undefined;
}

/** How dialling goes, and what stands in its way. */
export interface ConnectionFacts extends DialSummary {
  /** Connections that stand and have not exchanged handshakes. */
  readonly handshakingCount: number;
  /** Which limit of connections is reached. */
  readonly fullLimit: 'session' | 'torrent' | undefined;
  /** That limit. */
  readonly connectionsMax: number;
}

/** What was asked for peers, and what came. */
export interface SourceFacts {
  readonly trackers: readonly TrackerFacts[];
  /** The session announces to trackers. */
  readonly usesTrackers: boolean;
  /** Addresses that the user or the magnet link named. */
  readonly namedPeerCount: number;
  /** Of those, names that have no address. */
  readonly unresolvedPeerCount: number;
  readonly dht: DhtFacts;
  /** Neighbours on the local network are told, and may answer. Peer exchange has nobody to ask while nobody is connected. */
  readonly usesLocalDiscovery: boolean;
}

export interface DhtFacts {
  /** `off`: the session uses none; `private`: BEP 27 forbids it; `silent`: no node has answered. */
  readonly state: 'off' | 'private' | 'asking' | 'answered' | 'silent';
  /** Nodes that had a part in the last look-ups. */
  readonly answerCount: number;
  /** Addresses that these named. */
  readonly peerCount: number;
}

export interface TrackerFacts {
  /** `spare`: another one of its tier answers, or nothing was asked yet. */
  readonly state: 'spare' | 'asking' | 'answered' | 'failed';
  /** In its last reply. */
  readonly peerCount: number;
  /** What went wrong; hostile text. */
  readonly message: string | undefined;
}

export interface LimitFacts {
  /** The limit that has refused bytes just now. */
  readonly limitedBy: 'session' | 'torrent' | undefined;
  readonly sessionBytesPerSecond: number;
  readonly torrentBytesPerSecond: number;
}

export interface DownloadFacts extends LimitFacts {
  /** Wanted pieces not had. */
  readonly missingPieceCount: number;
  /** Of those, pieces that no connected peer has. */
  readonly unavailablePieceCount: number;
  /** Of those, pieces that have come and wait for the disk's verdict. */
  readonly hashingPieceCount: number;
  readonly isDiskBehind: boolean;
  /** Received and not written, over all torrents. */
  readonly unwrittenBytes: number;
  readonly hasNoMemory: boolean;
}

export interface UploadFacts extends LimitFacts {
  /** Those that are in use. */
  readonly slotCount: number;
  readonly hasNoMemory: boolean;
}
