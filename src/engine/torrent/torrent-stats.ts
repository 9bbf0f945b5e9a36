// The numbers of a torrent and of a peer as plain frozen objects.
import { noPeersBySource, type PeerSource, type PeerSourceCounts } from '../../swarm/peer-source.ts';
import type { PeerStats, TorrentState, TorrentStats } from '../api.ts';
import type { PeerReason } from '../diagnosis/reasons.ts';
import type { PeerSession } from './peer-session.ts';
import type { Transfer } from './transfer.ts';

export interface StatsSources {
  readonly state: TorrentState;
  /** Undefined until the metadata is known. */
  readonly transfer: Transfer | undefined;
  readonly checkedPieceCount: number;
  readonly peerSources: PeerSourceCounts;
  readonly nowMs: number;
}

export function torrentStatsOf({ state, transfer, checkedPieceCount, peerSources, nowMs }: StatsSources): TorrentStats {
  if (transfer === undefined) return Object.freeze({ ...NOTHING_KNOWN, state });
  const { content, picker } = transfer;
  let wantedBytes = 0;
  content.files.forEach(({ lengthBytes, pad }, index) => {
    if (!pad && transfer.wanted[index] === true) wantedBytes += lengthBytes;
  });
  let seedCount = 0;
  for (const peer of transfer.peers()) if (peer.have.isFull) seedCount++;
  const haveBytes = transfer.haveWantedBytes();
  const downloadBytesPerSecond = transfer.downloadRate.bytesPerSecond(nowMs);
  const { contentBytes } = content.info;
  return Object.freeze({
    state,
    totalBytes: contentBytes,
    wantedBytes,
    haveBytes,
    pieceCount: content.pieceCount,
    havePieceCount: picker.haveBitfield.count,
    checkedPieceCount,
    downloadedBytes: transfer.downloadedBytes,
    uploadedBytes: transfer.uploadedBytes,
    wastedBytes: transfer.wastedBytes,
    hashFailedBytes: transfer.hashFailedBytes,
    hashFailureCount: transfer.hashFailureCount,
    downloadBytesPerSecond,
    uploadBytesPerSecond: transfer.uploadRate.bytesPerSecond(nowMs),
    peerCount: transfer.peerCount,
    peerSources,
    seedCount,
    isSuperSeeding: transfer.isSuperSeeding,
    etaSeconds: etaSeconds(wantedBytes - haveBytes, downloadBytesPerSecond),
    ratio: ratioOf(transfer.uploadedBytes, transfer.downloadedBytes === 0 ? contentBytes : transfer.downloadedBytes),
  });
}

export function peerStatsOf(peer: PeerSession, source: PeerSource, reason: PeerReason): PeerStats {
  const { connection, have } = peer;
  return Object.freeze({
    address: peer.address,
    client: connection.extensions.client,
    isIncoming: peer.isIncoming,
    source,
    completedRatio: have.length === 0 ? 1 : have.count / have.length,
    downloadBytesPerSecond: peer.downloadBytesPerSecond,
    uploadBytesPerSecond: peer.uploadBytesPerSecond,
    downloadedBytes: peer.downloadedBytes,
    uploadedBytes: peer.uploadedBytes,
    amChoking: connection.amChoking,
    amInterested: connection.amInterested,
    peerChoking: connection.peerChoking,
    peerInterested: connection.peerInterested,
    reason,
  });
}

const NOTHING_KNOWN: Omit<TorrentStats, 'state'> = {
  totalBytes: 0,
  wantedBytes: 0,
  haveBytes: 0,
  pieceCount: 0,
  havePieceCount: 0,
  checkedPieceCount: 0,
  downloadedBytes: 0,
  uploadedBytes: 0,
  wastedBytes: 0,
  hashFailedBytes: 0,
  hashFailureCount: 0,
  downloadBytesPerSecond: 0,
  uploadBytesPerSecond: 0,
  peerCount: 0,
  peerSources: Object.freeze(noPeersBySource()),
  seedCount: 0,
  isSuperSeeding: false,
  etaSeconds: null,
  ratio: 0,
};

function etaSeconds(missingBytes: number, bytesPerSecond: number): number | null {
  if (missingBytes === 0) return 0;
  return bytesPerSecond > 0 ? Math.ceil(missingBytes / bytesPerSecond) : null;
}

function ratioOf(uploadedBytes: number, baseBytes: number): number {
  return baseBytes === 0 ? 0 : uploadedBytes / baseBytes;
}
