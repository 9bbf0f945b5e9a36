// Whom to unchoke, with as many peers as a session takes.
import { seededRandom } from '../../../src/base/random.ts';
import { Choker } from '../../../src/swarm/choker.ts';
import type { ChokerMode, ChokerPeer } from '../../../src/swarm/choking/choker-peer.ts';
import type { Operation, OperationGroup } from '../operation.ts';

const PEER_COUNT = 1_000;
const ROUND_MS = 10_000;

function rounds(mode: ChokerMode, slots: number): Operation {
  const random = seededRandom(1);
  const peers = Array.from({ length: PEER_COUNT }, (_, id): ChokerPeer => {
    return {
      id,
      isInterested: id % 3 !== 0,
      isUnchoked: id % 100 === 1,
      amInterested: id % 2 === 0,
      downloadBytesPerSecond: random.uint32() % 1_000_000,
      uploadBytesPerSecond: random.uint32() % 1_000_000,
      downloadedBytes: random.uint32() % 1_000_000,
      uploadedBytes: random.uint32() % 1_000_000,
      connectedAtMs: id,
      isSnubbed: id % 50 === 0,
      uploadedSinceUnchoke: 0,
      unchokedAtMs: 0,
      isUploadOnly: false,
      haveRatio: 0,
      hidesPieces: false,
      passedOnRatio: undefined,
    };
  });
  const choker = new Choker({ slots, random });
  let nowMs = 0;
  const run = (): number => {
    nowMs += ROUND_MS;
    return choker.round(peers, mode, nowMs).unchoke.length;
  };
  return { name: `a round over 1,000 peers, ${mode}, ${slots} slots`, count: 1, run };
}

export const choker: OperationGroup = {
  name: 'choker',
  create: () => [rounds('leeching', 8), rounds('seeding', 8), rounds('leeching', 100)],
};
