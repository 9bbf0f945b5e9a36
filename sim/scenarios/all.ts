// Every scenario, by which the runner finds it.
import { comeAndGo } from './come-and-go.ts';
import { dhtOnly, dhtPrivate } from './dht-only.ts';
import { endGame } from './end-game.ts';
import { changedLimits, exactLimits, slowIsNotSnubbed } from './exact-limits.ts';
import { fairBetweenTorrents, fairDownloadLimit, fairFastLimit, fairUploadLimit } from './fair-limits.ts';
import { fullDisk } from './full-disk.ts';
import { garbagePeers, requestFlood } from './garbage-peers.ts';
import { behindNat, chosenFiles, crowd, largePieces, magnetLink, ownAddress } from './kinds-of-content.ts';
import { localNeighbours, localPrivate } from './local-discovery.ts';
import { fatLink, longFatLink } from './long-links.ts';
import { lossyLinks } from './lossy-links.ts';
import { liarsTogether, lyingPeer } from './lying-peer.ts';
import { metadataLiars } from './metadata-liars.ts';
import { longPartition, seedReturns, shortPartition } from './partition.ts';
import { pexPrivate, pexSpreads } from './peer-exchange.ts';
import { localPeers, singlePeerLimits } from './peer-limits.ts';
import { rateLimits } from './rate-limits.ts';
import { restlessUser } from './restless-user.ts';
import { brokenDisk, corruptOnDisk, readErrors, resumePartial, rottenSeed } from './resume.ts';
import type { Scenario } from './scenario.ts';
import { silentPeers, stallingPeers, unchokeNever } from './silent-peers.ts';
import { slowDisk, stuckDisk } from './slow-disk.ts';
import { slowLoris } from './slow-loris.ts';
import { trackerEvents, trackerRecovers, udpTrackerRecovers } from './tracker-recovers.ts';
import {
  floodOfConnections,
  moreThanSlots,
  sharedDials,
  turnoverFindsGivers,
  unneededPart,
} from './who-is-connected.ts';
import { whyConnectionLimit, whyNoMetadata, whyNoPeers, whyUnreachable } from './why-nobody.ts';
import { whyChoked, whyDisk, whyDownloadLimit, whyFailed, whyNobodyHas, whyRequestQueue } from './why-slow-download.ts';
import { whyDiskReads, whyNobodyTakes, whyNothingWanted, whySlotsFull, whyUploadLimit } from './why-slow-upload.ts';
import { wireRules } from './wire-rules.ts';

/** What peers and links do to each other. */
export const EXCHANGE_SCENARIOS: readonly Scenario[] = [
  lossyLinks,
  endGame,
  rateLimits,
  fairUploadLimit,
  fairFastLimit,
  fairDownloadLimit,
  fairBetweenTorrents,
  exactLimits,
  changedLimits,
  slowIsNotSnubbed,
  localPeers,
  singlePeerLimits,
  crowd,
  behindNat,
  magnetLink,
  chosenFiles,
  largePieces,
  longFatLink,
  fatLink,
  ownAddress,
  turnoverFindsGivers,
  moreThanSlots,
  unneededPart,
  sharedDials,
  restlessUser,
  pexSpreads,
  pexPrivate,
  localNeighbours,
  localPrivate,
  dhtOnly,
  dhtPrivate,
];

/** Peers that mean harm, or do harm. */
export const HOSTILE_SCENARIOS: readonly Scenario[] = [
  lyingPeer,
  liarsTogether,
  silentPeers,
  unchokeNever,
  stallingPeers,
  slowLoris,
  wireRules,
  rottenSeed,
  garbagePeers,
  requestFlood,
  metadataLiars,
  floodOfConnections,
];

/** What breaks and comes back. */
export const FAULT_SCENARIOS: readonly Scenario[] = [
  comeAndGo,
  shortPartition,
  longPartition,
  seedReturns,
  trackerEvents,
  trackerRecovers,
  udpTrackerRecovers,
  fullDisk,
  slowDisk,
  stuckDisk,
  resumePartial,
  corruptOnDisk,
  readErrors,
  brokenDisk,
];

/** Each reason of a diagnosis, made to be the main one. */
export const DIAGNOSIS_SCENARIOS: readonly Scenario[] = [
  whyNoPeers,
  whyUnreachable,
  whyConnectionLimit,
  whyNoMetadata,
  whyChoked,
  whyNobodyHas,
  whyDownloadLimit,
  whyRequestQueue,
  whyDisk,
  whyFailed,
  whyNobodyTakes,
  whySlotsFull,
  whyNothingWanted,
  whyUploadLimit,
  whyDiskReads,
];

export const ALL_SCENARIOS: readonly Scenario[] = [
  ...EXCHANGE_SCENARIOS,
  ...HOSTILE_SCENARIOS,
  ...FAULT_SCENARIOS,
  ...DIAGNOSIS_SCENARIOS,
];
