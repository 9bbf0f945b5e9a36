// Why a torrent is as fast as it is: the one main reason and what else holds it up, from a snapshot of what was decided.
// Decides nothing itself. Ranked by where in the way of a block a reason stands: nothing behind it can matter before it.
import { connectionLimit, sourceDetails, sourcesSentence, whyNobodyIsConnected } from './finding-peers.ts';
import type { PeerReasonCode, TorrentDiagnosis, TorrentReason, TorrentReasonCode } from './reasons.ts';
import type { DownloadFacts, LimitFacts, TorrentSnapshot, UploadFacts } from './torrent-snapshot.ts';
import { countOf, rateOf } from './words.ts';

export function diagnoseTorrent(snapshot: TorrentSnapshot): TorrentDiagnosis {
  const [main, ...others] = reasonsOf(snapshot);
  const further = others.filter(({ code }) => code !== main!.code).map((other) => Object.freeze(other));
  return Object.freeze({ ...main!, further: Object.freeze(further), peers: Object.freeze(snapshot.peers) });
}

/** At least one; the main reason first. */
function reasonsOf(snapshot: TorrentSnapshot): TorrentReason[] {
  const { state, error, checkedPieceCount, pieceCount } = snapshot;
  switch (state) {
    case 'stopped':
      return [reason('stopped', 'waiting', 'It is stopped.')];
    case 'failed':
      return [
        reason('failed', 'waiting', `It has failed: ${error?.message ?? 'unknown'}`, { error: error?.code ?? '' }),
      ];
    case 'checking': {
      const message = `What is on disk is being checked: ${checkedPieceCount} of ${countOf(pieceCount, 'piece')}.`;
      return [reason('checking', 'waiting', message, { checkedPieceCount, pieceCount })];
    }
    case 'fetching-metadata':
      return metadataReasons(snapshot);
    case 'downloading':
      return downloadReasons(snapshot);
    case 'seeding':
      return uploadReasons(snapshot);
  }
}

function metadataReasons({ peerCount, connections, sources }: TorrentSnapshot): TorrentReason[] {
  const asked =
    peerCount === 0
      ? 'The metadata has not come: nobody is there to ask.'
      : `The metadata has not come; ${countOf(peerCount, 'peer')} ${peerCount === 1 ? 'is' : 'are'} asked for it.`;
  const metadata = reason('waiting-for-metadata', 'waiting', asked, { peerCount });
  return peerCount > 0 ? [metadata] : [whyNobodyIsConnected(connections, sources), metadata];
}

// ── Downloading ──────────────────────────────────────────────────────────────────────────────────────────────────

function downloadReasons(snapshot: TorrentSnapshot): TorrentReason[] {
  const { peerCount, connections, sources, download, upload } = snapshot;
  if (download !== undefined && download.missingPieceCount > 0 && isAllHashing(download)) return [lastPieces(download)];
  if (peerCount === 0 || download === undefined) return [whyNobodyIsConnected(connections, sources)];
  const reasons = [mainDownloadReason(snapshot, download)];
  if (download.unavailablePieceCount > 0) reasons.push(unavailable(download, 'limited'));
  if (count(snapshot, 'snubbed') > 0) reasons.push(stalled(snapshot, 'limited'));
  const { fullLimit, connectionsMax, dueCount } = connections;
  if (fullLimit !== undefined && dueCount > 0) {
    reasons.push(connectionLimit(fullLimit, connectionsMax, dueCount, 'limited'));
  }
  // Who gives little is given little.
  const isChoked = count(snapshot, 'choking-us') + count(snapshot, 'free-riding') > 0;
  if (isChoked && upload?.limitedBy !== undefined) reasons.push(limited('upload', upload));
  return reasons;
}

function mainDownloadReason(snapshot: TorrentSnapshot, download: DownloadFacts): TorrentReason {
  const interestingCount = snapshot.peerCount - count(snapshot, 'not-interesting');
  const chokingCount = count(snapshot, 'choking-us') + count(snapshot, 'free-riding');
  if (download.isDiskBehind) return diskWrites(download);
  if (interestingCount === 0) return unavailable(download, 'waiting');
  if (chokingCount === interestingCount) return choked(snapshot, interestingCount);
  if (download.hasNoMemory) {
    return reason('no-memory', 'waiting', 'Other torrents have the memory for blocks; it goes on when they free some.');
  }
  if (download.limitedBy !== undefined && count(snapshot, 'download-limit') > 0) return limited('download', download);
  const givingCount = count(snapshot, 'giving');
  if (givingCount === 0 && count(snapshot, 'download-limit') > 0) return limitedAlone('download', snapshot);
  const queueBoundCount = count(snapshot, 'request-queue');
  if (givingCount === 0 && queueBoundCount > 0) {
    const message = `${countOf(queueBoundCount, 'peer')} could give more, but ${queueBoundCount === 1 ? 'takes' : 'take'} too few requests at a time.`;
    return reason('peer-request-queues', 'limited', message, { peerCount: queueBoundCount });
  }
  if (givingCount === 0 && count(snapshot, 'snubbed') > 0) return stalled(snapshot, 'waiting');
  return downloading(givingCount + queueBoundCount, snapshot.peerCount);
}

function downloading(givingCount: number, peerCount: number): TorrentReason {
  const message =
    givingCount === 0
      ? `There is nothing to ask of ${countOf(peerCount, 'connected peer')} at this moment.`
      : `${givingCount} of ${countOf(peerCount, 'connected peer')} ${givingCount === 1 ? 'gives' : 'give'} what we ask for.`;
  return reason('downloading', 'fine', message, { givingCount, peerCount });
}

function isAllHashing({ missingPieceCount, hashingPieceCount }: DownloadFacts): boolean {
  return hashingPieceCount >= missingPieceCount;
}

function lastPieces(download: DownloadFacts): TorrentReason {
  const pieces = countOf(download.hashingPieceCount, 'piece');
  const message = `Everything has come; ${pieces} ${download.hashingPieceCount === 1 ? 'waits' : 'wait'} for the disk.`;
  return reason('disk-writes', 'waiting', message, diskDetails(download));
}

function diskWrites(download: DownloadFacts): TorrentReason {
  const mebibytes = Math.round(download.unwrittenBytes / 1024 / 1024);
  const message = `The disk is slower than the peers: ${mebibytes} MiB wait to be hashed and written.`;
  return reason('disk-writes', 'limited', message, diskDetails(download));
}

function diskDetails({ unwrittenBytes, hashingPieceCount }: DownloadFacts): Record<string, number> {
  return { unwrittenBytes, hashingPieceCount };
}

function unavailable(
  { missingPieceCount, unavailablePieceCount }: DownloadFacts,
  effect: TorrentReason['effect'],
): TorrentReason {
  const which =
    unavailablePieceCount === missingPieceCount
      ? `the ${countOf(missingPieceCount, 'piece')} that ${missingPieceCount === 1 ? 'is' : 'are'} missing`
      : `${unavailablePieceCount} of the ${countOf(missingPieceCount, 'piece')} that are missing`;
  const message = `Nobody who is connected has ${which}.`;
  return reason('pieces-nobody-has', effect, message, { missingPieceCount, unavailablePieceCount });
}

function choked({ peerCount, interestedInUsCount }: TorrentSnapshot, chokingCount: number): TorrentReason {
  const who = chokingCount === 1 ? 'The only peer' : chokingCount === 2 ? 'Both peers' : `All ${chokingCount} peers`;
  const which = chokingCount === peerCount ? '' : ' with something that is missing';
  const whatTheyWant =
    interestedInUsCount === 0
      ? 'nobody wants anything'
      : `${interestedInUsCount} of ${peerCount} ${interestedInUsCount === 1 ? 'wants' : 'want'} something`;
  const message = `${who}${which} ${chokingCount === 1 ? 'chokes' : 'choke'} us; ${whatTheyWant} of us.`;
  return reason('choked-by-all', 'waiting', message, { chokingCount, interestedInUsCount, peerCount });
}

function stalled(snapshot: TorrentSnapshot, effect: TorrentReason['effect']): TorrentReason {
  const peerCount = count(snapshot, 'snubbed');
  const message = `${countOf(peerCount, 'peer')} ${peerCount === 1 ? 'was' : 'were'} asked and ${peerCount === 1 ? 'has' : 'have'} not answered in time.`;
  return reason('stalled-peers', effect, message, { peerCount });
}

// ── Uploading ────────────────────────────────────────────────────────────────────────────────────────────────────

function uploadReasons(snapshot: TorrentSnapshot): TorrentReason[] {
  const { isNothingWanted, havePieceCount, upload } = snapshot;
  const reasons: TorrentReason[] = [];
  if (isNothingWanted) reasons.push(reason('nothing-wanted', 'waiting', 'None of its files is wanted.'));
  if (isNothingWanted && havePieceCount === 0) return reasons;
  return [...(upload === undefined ? [nobodyInterested(snapshot)] : givenReasons(snapshot, upload)), ...reasons];
}

function givenReasons(snapshot: TorrentSnapshot, upload: UploadFacts): TorrentReason[] {
  const waitingCount = count(snapshot, 'no-slot');
  const reasons = [mainUploadReason(snapshot, upload)];
  if (waitingCount > 0 && count(snapshot, 'taking') > 0) reasons.push(slotsFull(upload, waitingCount));
  return reasons;
}

function mainUploadReason(snapshot: TorrentSnapshot, upload: UploadFacts): TorrentReason {
  const { peerCount } = snapshot;
  const takingCount = count(snapshot, 'taking');
  const waitingCount = count(snapshot, 'no-slot');
  const silentCount = count(snapshot, 'asks-nothing');
  if (snapshot.interestedInUsCount === 0 || count(snapshot, 'not-interested') === peerCount) {
    return nobodyInterested(snapshot);
  }
  if (upload.limitedBy !== undefined && count(snapshot, 'upload-limit') > 0) return limited('upload', upload);
  if (upload.hasNoMemory) {
    return reason('no-memory', 'waiting', 'Other torrents have the memory for blocks; it goes on when they free some.');
  }
  const readBoundCount = count(snapshot, 'disk-reads');
  if (readBoundCount > takingCount) {
    const message = `The disk reads slower than ${countOf(readBoundCount, 'peer')} could take.`;
    return reason('disk-reads', 'limited', message, { peerCount: readBoundCount });
  }
  if (takingCount === 0 && count(snapshot, 'upload-limit') > 0) return limitedAlone('upload', snapshot);
  if (takingCount > 0) {
    const message = `${takingCount} of ${countOf(peerCount, 'connected peer')} ${takingCount === 1 ? 'gets what it asks' : 'get what they ask'} for.`;
    return reason('uploading', 'fine', message, { takingCount, peerCount });
  }
  if (waitingCount > 0) return slotsFull(upload, waitingCount);
  const message = `${countOf(silentCount, 'peer')} may ask for blocks and ${silentCount === 1 ? 'does' : 'do'} not.`;
  return reason('nobody-asks', 'waiting', message, { peerCount: silentCount });
}

function nobodyInterested({ peerCount, sources }: TorrentSnapshot): TorrentReason {
  if (peerCount > 0) {
    const who = peerCount === 1 ? 'The only connected peer wants' : `None of the ${peerCount} connected peers wants`;
    return reason('nobody-interested', 'waiting', `${who} ${peerCount === 1 ? 'nothing' : 'anything'} of us.`, {
      peerCount,
    });
  }
  const sentence = sourcesSentence(sources);
  const message =
    sentence === '' ? 'Nobody is connected, and no tracker tells of us.' : `Nobody is connected; ${sentence}.`;
  return reason('nobody-interested', 'waiting', message, { peerCount, ...sourceDetails(sources) });
}

function slotsFull({ slotCount }: UploadFacts, waitingCount: number): TorrentReason {
  const slots = slotCount === 0 ? 'No upload slot is given yet' : `All ${countOf(slotCount, 'upload slot')} are taken`;
  const message = `${slots}; ${countOf(waitingCount, 'peer')} ${waitingCount === 1 ? 'waits' : 'wait'} for one.`;
  return reason('slots-full', 'limited', message, { slotCount, waitingCount });
}

// ── Both ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function limited(direction: 'download' | 'upload', facts: LimitFacts): TorrentReason {
  const whose = facts.limitedBy === 'torrent' ? 'torrent' : 'session';
  const bytesPerSecond = whose === 'torrent' ? facts.torrentBytesPerSecond : facts.sessionBytesPerSecond;
  const message = `The ${whose}'s ${direction} limit of ${rateOf(bytesPerSecond)} is in use.`;
  return reason(`${direction}-limit-${whose}`, 'limited', message, { bytesPerSecond });
}

/** Peers that the user has given limits of their own. */
function limitedAlone(direction: 'download' | 'upload', snapshot: TorrentSnapshot): TorrentReason {
  const peerCount = count(snapshot, `${direction}-limit`);
  const whose = peerCount === 1 ? '1 peer is at its' : `${peerCount} peers are at their`;
  return reason(`${direction}-limit-peers`, 'limited', `${whose} own ${direction} limit.`, { peerCount });
}

function count({ peers }: TorrentSnapshot, code: PeerReasonCode): number {
  return peers[code] ?? 0;
}

function reason(
  code: TorrentReasonCode,
  effect: TorrentReason['effect'],
  message: string,
  details: TorrentReason['details'] = {},
): TorrentReason {
  return { code, effect, message, details };
}
