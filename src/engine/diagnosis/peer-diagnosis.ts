// Why one connected peer gives, or gets, what it does: from a snapshot of what was decided about it. Decides nothing, and
// asks in the order in which the decisions are made: the first that stands in the way is the reason.
import type { PeerReason, PeerReasonCode } from './reasons.ts';

/** What a peer has been given before taking without giving is called free riding. */
const FREE_RIDE_MIN_BYTES = 1024 * 1024;

/** What is true of one peer at one moment. */
export interface PeerSnapshot {
  /** Something is still to be got: then what it gives counts, else what it gets. */
  readonly isDownloading: boolean;
  /** It has pieces that are wanted and missing. */
  readonly amInterested: boolean;
  /** It chokes us, and has named no piece that we may fetch all the same. */
  readonly isChokingUs: boolean;
  readonly isSnubbed: boolean;
  /** Requests under way to it. */
  readonly requestedCount: number;
  /** More requests are wanted than are under way. */
  readonly hasRoomForRequests: boolean;
  /** Its own queue takes no more, and is too short for its rate. */
  readonly isBoundByQueue: boolean;
  /** A limit of ours has refused it bytes. */
  readonly isDownloadLimited: boolean;
  /** More is received than the disk has written. */
  readonly isDiskBehind: boolean;
  /** Other torrents have the memory for blocks. */
  readonly hasNoMemory: boolean;
  readonly downloadedBytes: number;
  readonly uploadedBytes: number;

  readonly isInterestedInUs: boolean;
  readonly isUnchoked: boolean;
  /** Blocks that it has asked for and not been sent. */
  readonly queuedCount: number;
  /** Bytes that are being read for it, or wait in its socket. */
  readonly sendingBytes: number;
  readonly isUploadLimited: boolean;
  /** Its socket is empty, and the disk has been reading for some time. */
  readonly isReadBound: boolean;
}

const SENTENCES: Readonly<Record<PeerReasonCode, string>> = {
  'not-interesting': 'It has nothing that is missing here.',
  'choking-us': 'It chokes us.',
  'free-riding': 'It has taken much, has given nothing and chokes us.',
  snubbed: 'It was asked and has not answered in time.',
  'disk-writes': 'It waits until our disk has written what came.',
  'no-memory': 'Nothing is asked of it until other torrents free memory.',
  'download-limit': 'Our download limit holds it back.',
  'request-queue': 'It takes too few requests at a time for the time its answers take.',
  'asked-of-others': 'What it has and is missing here has been asked of others.',
  giving: 'It gives what it is asked for.',
  'not-interested': 'It wants nothing of us.',
  'no-slot': 'It waits until an upload slot is free.',
  'upload-limit': 'Our upload limit holds it back.',
  'disk-reads': 'It waits until our disk has read what it asked for.',
  'asks-nothing': 'It may ask and does not.',
  taking: 'It gets what it asks for.',
};

export function peerReasonOf(snapshot: PeerSnapshot): PeerReason {
  const code = snapshot.isDownloading ? givingCodeOf(snapshot) : takingCodeOf(snapshot);
  return Object.freeze({ code, message: SENTENCES[code] });
}

function givingCodeOf(peer: PeerSnapshot): PeerReasonCode {
  if (!peer.amInterested) return 'not-interesting';
  if (peer.isChokingUs) {
    const isFreeRider = peer.downloadedBytes === 0 && peer.uploadedBytes >= FREE_RIDE_MIN_BYTES;
    return isFreeRider ? 'free-riding' : 'choking-us';
  }
  if (peer.isDiskBehind) return 'disk-writes';
  if (peer.isSnubbed) return 'snubbed';
  if (peer.hasNoMemory) return 'no-memory';
  if (peer.isDownloadLimited) return 'download-limit';
  if (peer.isBoundByQueue) return 'request-queue';
  return peer.requestedCount === 0 && peer.hasRoomForRequests ? 'asked-of-others' : 'giving';
}

function takingCodeOf(peer: PeerSnapshot): PeerReasonCode {
  if (!peer.isInterestedInUs) return 'not-interested';
  if (!peer.isUnchoked) return 'no-slot';
  if (peer.isUploadLimited) return 'upload-limit';
  if (peer.isReadBound) return 'disk-reads';
  return peer.queuedCount === 0 && peer.sendingBytes === 0 ? 'asks-nothing' : 'taking';
}
