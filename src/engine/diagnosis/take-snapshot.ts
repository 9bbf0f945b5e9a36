// Gathers from the parts of a torrent what a diagnosis needs, at the moment it is asked for. Reads and never changes; what
// is only made for peers is not touched while there are none.
import type { TrackerStatus } from '../../swarm/announce-schedule.ts';
import type { EngineContext } from '../session/engine-context.ts';
import type { PeerSession } from '../torrent/peer-session.ts';
import type { TorrentLife } from '../torrent/torrent-life.ts';
import type { Transfer } from '../torrent/transfer.ts';
import type { TransferGate } from '../transfer-gate.ts';
import { type PeerSnapshot, peerReasonOf } from './peer-diagnosis.ts';
import type { PeerReason, PeerReasonCode } from './reasons.ts';
import type {
  ConnectionFacts,
  DownloadFacts,
  LimitFacts,
  SourceFacts,
  TorrentSnapshot,
  TrackerFacts,
  UploadFacts,
} from './torrent-snapshot.ts';

/** Reading without a break for so long while sockets are empty, the disk is what peers wait for. */
const READ_BOUND_MS = 1_000;

const NO_CONNECTIONS: ConnectionFacts = {
  knownCount: 0,
  dialingCount: 0,
  dueCount: 0,
  nextInMs: Number.POSITIVE_INFINITY,
  failures: { refused: 0, 'timed-out': 0, unreachable: 0, ended: 0 },
  handshakingCount: 0,
  fullLimit: undefined,
  connectionsMax: 0,
};

export function takeSnapshot(context: EngineContext, life: TorrentLife): TorrentSnapshot {
  const { parts, metadata, state, error } = life;
  const nowMs = context.platform.clock.nowMs();
  const connections = (metadata ?? parts?.connector)?.connectionFacts() ?? NO_CONNECTIONS;
  const peers: Partial<Record<PeerReasonCode, number>> = {};
  let peerCount = 0;
  let interestedInUsCount = 0;
  for (const peer of parts?.connector.peers() ?? []) {
    const { code } = reasonOfPeer(context, parts!.transfer, peer, nowMs);
    peers[code] = (peers[code] ?? 0) + 1;
    peerCount++;
    if (peer.isInterested) interestedInUsCount++;
  }
  const transfer = parts?.transfer;
  const hasPeers = transfer !== undefined && peerCount > 0;
  const isChecked = state === 'downloading' || state === 'seeding';
  return {
    state,
    error,
    pieceCount: parts?.content.pieceCount ?? 0,
    checkedPieceCount: parts?.check.checkedPieceCount ?? 0,
    havePieceCount: transfer?.picker.haveBitfield.count ?? 0,
    isNothingWanted: transfer !== undefined && transfer.content.info.contentBytes > 0 && isNothingWanted(transfer),
    peerCount: metadata?.readyPeerCount ?? peerCount,
    peers,
    interestedInUsCount,
    connections,
    sources: sourceFactsOf(context, life),
    download: isChecked && transfer !== undefined ? downloadFactsOf(context, transfer, hasPeers, nowMs) : undefined,
    upload: hasPeers ? uploadFactsOf(context, transfer, nowMs) : undefined,
  };
}

/** Why a connected peer gives or gets what it does. */
export function reasonOfPeer(context: EngineContext, transfer: Transfer, peer: PeerSession, nowMs: number): PeerReason {
  return peerReasonOf(peerSnapshotOf(context, transfer, peer, nowMs));
}

function peerSnapshotOf(context: EngineContext, transfer: Transfer, peer: PeerSession, nowMs: number): PeerSnapshot {
  const { download, upload } = transfer;
  const { pipeline } = peer;
  const hasRoomForRequests = pipeline.outstanding < pipeline.desiredDepth();
  const downloadGate = peer.downloadGate ?? download.gate;
  const isLimitInUse = downloadGate.limitedBy(nowMs) !== undefined;
  return {
    isDownloading: !transfer.isComplete,
    amInterested: peer.amInterested,
    isChokingUs: peer.isChoking && peer.allowedFast.size === 0,
    isSnubbed: peer.isSnubbed,
    requestedCount: pipeline.outstanding,
    hasRoomForRequests,
    isBoundByQueue: pipeline.isBoundByQueue,
    isDownloadLimited: downloadGate.isWaiting(peer) || (isLimitInUse && hasRoomForRequests),
    isDiskBehind: context.pressure.isBehind,
    hasNoMemory: nowMs < download.pausedUntilMs,
    downloadedBytes: peer.downloadedBytes,
    uploadedBytes: peer.uploadedBytes,
    isInterestedInUs: peer.isInterested && !peer.isUploadOnly,
    isUnchoked: peer.isUnchoked,
    queuedCount: peer.requests.length,
    sendingBytes: peer.sendingBytes,
    isUploadLimited: (peer.uploadGate ?? upload.gate).isWaiting(peer),
    isReadBound: peer.isAwaitingReads && upload.readingForMs(nowMs) >= READ_BOUND_MS,
  };
}

function downloadFactsOf(context: EngineContext, transfer: Transfer, hasPeers: boolean, nowMs: number): DownloadFacts {
  const { picker } = transfer;
  const limits = limitFactsOf(
    hasPeers ? transfer.download.gate : undefined,
    context.downloadGate.bytesPerSecond,
    transfer.downloadLimiter.bytesPerSecond,
    nowMs,
  );
  return {
    ...limits,
    missingPieceCount: picker.wantedMissingCount,
    unavailablePieceCount: hasPeers ? picker.unavailableCount : 0,
    hashingPieceCount: picker.hashingCount,
    isDiskBehind: context.pressure.isBehind,
    unwrittenBytes: context.pressure.unwrittenBytes,
    hasNoMemory: hasPeers && nowMs < transfer.download.pausedUntilMs,
  };
}

function uploadFactsOf(context: EngineContext, transfer: Transfer, nowMs: number): UploadFacts {
  const { upload, uploadLimiter } = transfer;
  let slotCount = 0;
  for (const { isInterested, isUnchoked } of transfer.peers()) if (isInterested && isUnchoked) slotCount++;
  return {
    ...limitFactsOf(upload.gate, context.uploadGate.bytesPerSecond, uploadLimiter.bytesPerSecond, nowMs),
    slotCount,
    hasNoMemory: !upload.hasMemory,
  };
}

function limitFactsOf(
  gate: TransferGate | undefined,
  sessionBytesPerSecond: number,
  torrentBytesPerSecond: number,
  nowMs: number,
): LimitFacts {
  const where = gate?.limitedBy(nowMs);
  const limitedBy = where === undefined ? undefined : where === 'here' ? 'torrent' : 'session';
  return { limitedBy, sessionBytesPerSecond, torrentBytesPerSecond };
}

function isNothingWanted({ wanted, content }: Transfer): boolean {
  return content.files.every(({ pad }, index) => pad || wanted[index] !== true);
}

function sourceFactsOf(context: EngineContext, { sources }: TorrentLife): SourceFacts {
  return {
    trackers: sources.trackers().map(trackerFactsOf),
    usesTrackers: context.settings.trackers,
    namedPeerCount: sources.namedPeerCount,
    unresolvedPeerCount: sources.unresolvedPeerCount,
    dht: sources.dhtFacts(),
    usesLocalDiscovery: sources.usesLocalDiscovery,
  };
}

function trackerFactsOf({ state, failureCount, peerCount, message }: TrackerStatus): TrackerFacts {
  // While a tracker that has failed is asked again, it is still one that has failed.
  if (failureCount > 0 || state === 'failed' || state === 'disabled') return { state: 'failed', peerCount: 0, message };
  if (state === 'announcing') return { state: 'asking', peerCount, message: undefined };
  return { state: state === 'working' ? 'answered' : 'spare', peerCount, message: undefined };
}
