// Somebody watches a film while it downloads, from sources whose uploads together are half as much again as the film takes,
// the fastest twelve times as fast as the slowest: how long it stands still with deadlines, and with the orders that know
// of no reader. Once the viewer sees all of it; once they jump ahead, and a fast source falls silent soon afterwards.
import { withoutDeadlines } from '../../variants/without-deadlines.ts';
import { SimPlayer } from '../../world/sim-player.ts';
import type { CrowdOptions } from '../crowd-options.ts';
import { type CrowdOutcome, outcomeOf } from '../crowd-outcome.ts';
import type { CrowdScenario, Figure } from '../crowd-scenario.ts';
import { CrowdWorld } from '../crowd-world.ts';

const MEGABIT = 125_000;
const SWARM_OVER_FILM = 1.5;
/** Each source has so much of the one before it. */
const NEXT_SOURCE = 0.7;
/** The viewer opens the film when connections stand. */
const OPENED_AFTER_MS = 3_000;
/** Parts of the film, and the time after the jump when the second source falls silent. */
const JUMP_FROM = 0.2;
const JUMP_TO = 0.6;
const SILENT_AFTER_MS = 5_000;
/** Of the film's length. */
const LIMIT = 6;
const SAMPLES = 200;

type Order = 'deadlines' | 'sequential' | 'rarest first';
const ORDERS: readonly Order[] = ['deadlines', 'sequential', 'rarest first'];

export const stream: CrowdScenario = {
  name: 'stream',
  about: 'One viewer, --peers sources, a film of --up-mbit: stalls with deadlines, sequential, rarest first.',
  defaults: { peerCount: 8, uploadMbit: 8 },
  run(options) {
    const seen = ORDERS.map((order) => watch(options, order));
    const jumped = ORDERS.map((order) => jump(options, order));
    const goal = { atMost: seen[1]!.stalledSeconds };
    const jumpGoal = { atMost: jumped[1]!.stalledSeconds };
    return {
      figures: [
        ...seen.flatMap((view, index) => figuresOf(view, ORDERS[index]!, index === 0 ? goal : undefined)),
        ...jumped.flatMap((view, index) =>
          figuresOf(view, `${ORDERS[index]!}, after a jump`, index === 0 ? jumpGoal : undefined),
        ),
      ],
      outcomes: [...seen, ...jumped].map(({ outcome }) => outcome),
    };
  },
};

interface View {
  readonly firstByteSeconds: number;
  readonly startSeconds: number;
  readonly stallCount: number;
  readonly stalledSeconds: number;
  readonly longestStallSeconds: number;
  /** Of the bytes that came, those that were not of what the viewer saw. */
  readonly otherRatio: number;
  readonly duplicateRatio: number;
  readonly outcome: CrowdOutcome;
}

interface Cinema {
  readonly world: CrowdWorld;
  readonly sources: ReturnType<CrowdWorld['addPeer']>[];
  readonly viewer: ReturnType<CrowdWorld['addPeer']>;
  readonly filmBytesPerSecond: number;
  readonly filmMs: number;
  play(start: number): SimPlayer;
}

function watch(options: CrowdOptions, order: Order): View {
  const cinema = makeCinema(options, order);
  const player = cinema.play(0);
  seeToTheEnd(cinema, player);
  return viewOf(cinema, player, cinema.world.contentBytes, order);
}

function jump(options: CrowdOptions, order: Order): View {
  const cinema = makeCinema(options, order);
  const { world, sources, filmMs } = cinema;
  const first = cinema.play(0);
  world.runUntil(() => false, Math.round(filmMs * JUMP_FROM));
  first.close();
  const start = Math.round(world.contentBytes * JUMP_TO);
  const player = cinema.play(start);
  world.after(SILENT_AFTER_MS, () => {
    sources[1]!.host.uplink.bytesPerSecond = 1;
  });
  seeToTheEnd(cinema, player);
  return viewOf(cinema, player, world.contentBytes * (JUMP_FROM + 1 - JUMP_TO), `${order}, jump`);
}

function makeCinema(options: CrowdOptions, order: Order): Cinema {
  const { pieceCount, pieceLengthBytes, uploadMbit, peerCount } = options;
  const filmBytesPerSecond = uploadMbit * MEGABIT;
  const filmMs = ((pieceCount * pieceLengthBytes) / filmBytesPerSecond) * 1_000;
  const world = new CrowdWorld({ ...options, sampleMs: Math.max(1, Math.floor(filmMs / SAMPLES)) });
  const weights = Array.from({ length: peerCount }, (_, index) => NEXT_SOURCE ** index);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const sources = weights.map((weight) =>
    world.addPeer({
      role: 'seed',
      uploadBytesPerSecond: (SWARM_OVER_FILM * filmBytesPerSecond * weight) / sum,
      downloadBytesPerSecond: 100 * MEGABIT,
    }),
  );
  const viewer = world.addPeer({
    role: 'leecher',
    uploadBytesPerSecond: filmBytesPerSecond,
    downloadBytesPerSecond: 100 * MEGABIT,
    torrent: { sequential: order === 'sequential' },
    rules: order === 'deadlines' ? {} : withoutDeadlines(),
    afterMs: 1_000,
  });
  world.runUntil(() => false, OPENED_AFTER_MS);
  const surroundings = {
    nowMs: () => world.wheel.nowMs,
    after: (delayMs: number, callback: () => void) => world.after(delayMs, callback),
  };
  const play = (start: number): SimPlayer =>
    new SimPlayer(surroundings, viewer.torrent!.openReader(0, { start }), filmBytesPerSecond);
  return { world, sources, viewer, filmBytesPerSecond, filmMs, play };
}

function seeToTheEnd({ world, filmMs }: Cinema, player: SimPlayer): void {
  if (!world.runUntil(() => player.isEnded, filmMs * LIMIT)) world.handleProblem('the film was not seen to its end');
  if (player.failure !== undefined) world.handleProblem(`the film could not be read: ${player.failure}`);
  player.close();
  world.checkInvariants();
}

function viewOf({ world, viewer }: Cinema, player: SimPlayer, seenBytes: number, label: string): View {
  const { downloadedBytes, wastedBytes } = viewer.stats()!;
  return {
    firstByteSeconds: player.firstByteMs / 1_000,
    startSeconds: player.startMs / 1_000,
    stallCount: player.stallCount,
    stalledSeconds: player.stalledMs / 1_000,
    longestStallSeconds: player.longestStallMs / 1_000,
    otherRatio: Math.max(0, 1 - seenBytes / downloadedBytes),
    duplicateRatio: wastedBytes / downloadedBytes,
    outcome: outcomeOf(world, label),
  };
}

function figuresOf(view: View, name: string, goal: Figure['goal']): Figure[] {
  return [
    { name: `${name}: first byte`, value: view.firstByteSeconds, unit: 'seconds' },
    { name: `${name}: film begins`, value: view.startSeconds, unit: 'seconds' },
    { name: `${name}: stalls`, value: view.stallCount, unit: 'count' },
    { name: `${name}: stalled`, value: view.stalledSeconds, unit: 'seconds', ...(goal && { goal }) },
    { name: `${name}: longest stall`, value: view.longestStallSeconds, unit: 'seconds' },
    { name: `${name}: bytes not of what was seen`, value: view.otherRatio, unit: 'percent' },
    { name: `${name}: duplicates`, value: view.duplicateRatio, unit: 'percent' },
  ];
}
