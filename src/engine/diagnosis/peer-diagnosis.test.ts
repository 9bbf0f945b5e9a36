// Goal: each reason of a peer, and that what stands first in the way wins. Method: one snapshot that is fine, changed.
import { expect, test } from 'vitest';
import { type PeerSnapshot, peerReasonOf } from './peer-diagnosis.ts';

const GIVING: PeerSnapshot = {
  isDownloading: true,
  amInterested: true,
  isChokingUs: false,
  isSnubbed: false,
  requestedCount: 8,
  hasRoomForRequests: false,
  isBoundByQueue: false,
  isDownloadLimited: false,
  isDiskBehind: false,
  hasNoMemory: false,
  downloadedBytes: 1,
  uploadedBytes: 0,
  isInterestedInUs: true,
  isUnchoked: true,
  queuedCount: 4,
  sendingBytes: 0,
  isUploadLimited: false,
  isReadBound: false,
};
const TAKING: PeerSnapshot = { ...GIVING, isDownloading: false, amInterested: false };
const MIB = 1024 * 1024;

test.each<[string, Partial<PeerSnapshot>]>([
  ['giving', {}],
  ['not-interesting', { amInterested: false, isChokingUs: true }],
  ['choking-us', { isChokingUs: true, isDiskBehind: true, isSnubbed: true }],
  ['choking-us', { isChokingUs: true, downloadedBytes: 0, uploadedBytes: MIB - 1 }],
  ['choking-us', { isChokingUs: true, downloadedBytes: 1, uploadedBytes: MIB }],
  ['free-riding', { isChokingUs: true, downloadedBytes: 0, uploadedBytes: MIB }],
  ['disk-writes', { isDiskBehind: true, isSnubbed: true }],
  ['snubbed', { isSnubbed: true, isDownloadLimited: true }],
  ['no-memory', { hasNoMemory: true, isDownloadLimited: true }],
  ['download-limit', { isDownloadLimited: true, isBoundByQueue: true }],
  ['request-queue', { isBoundByQueue: true }],
  ['asked-of-others', { requestedCount: 0, hasRoomForRequests: true }],
])('of a download: %s, where %o', (code, changes) => {
  expect(peerReasonOf({ ...GIVING, ...changes })).toEqual({ code, message: expect.stringMatching(/^[A-Z].*\.$/) });
});

test.each<[string, Partial<PeerSnapshot>]>([
  ['taking', {}],
  ['taking', { queuedCount: 0, sendingBytes: 1 }],
  ['not-interested', { isInterestedInUs: false, isUnchoked: false }],
  ['no-slot', { isUnchoked: false, isUploadLimited: true }],
  ['upload-limit', { isUploadLimited: true, isReadBound: true }],
  ['disk-reads', { isReadBound: true, queuedCount: 0 }],
  ['asks-nothing', { queuedCount: 0 }],
])('of what is complete: %s, where %o', (code, changes) => {
  expect(peerReasonOf({ ...TAKING, ...changes }).code).toBe(code);
});
