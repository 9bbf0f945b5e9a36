// Somebody watches a film while it downloads, from sources whose uploads together are half as much again as the film takes,
// the fastest twelve times as fast as the slowest: how long it stands still with deadlines, and with the orders that know
// of no reader.
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
/** After this part of the film's time something happens. */
const TURN_AT = 0.2;
const JUMP_TO = 0.6;
/** Of the film's length. */
const LIMIT = 6;
const SAMPLES = 200;

type Order = 'deadlines' | 'sequential' | 'rarest first';
/** Nothing happens; the viewer jumps ahead; the second-fastest source gives nothing any more and says nothing. */
type Story = 'whole' | 'jump' | 'silent source';
const STORIES: readonly Story[] = ['whole', 'jump', 'silent source'];
const ORDERS: readonly Order[] = ['deadlines', 'sequential', 'rarest first'];

export const stream: CrowdScenario = {
  name: 'stream',
  about: 'One viewer, --peers sources, a film of --up-mbit: stalls with deadlines, sequential, rarest first.',
  defaults: { peerCount: 8, uploadMbit: 8 },
  run(options) {
    const figures: Figure[] = [];
    const outcomes: CrowdOutcome[] = [];
    for (const story of STORIES) {
      const views = ORDERS.map((order) => watch(options, order, story));
      // The orders that know of no reader set the mark.
      const goal = { atMost: Math.min(views[1]!.waitedSeconds, views[2]!.waitedSeconds) };
      views.forEach((view, index) => {
        figures.push(...figuresOf(view, `${story}, ${ORDERS[index]!}`, index === 0 ? goal : undefined));
        outcomes.push(view.outcome);
      });
    }
    return { figures, outcomes };
  },
};

interface View {
  /** Before the film began, and while it stood still. */
  readonly waitedSeconds: number;
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

function watch(options: CrowdOptions, order: Order, story: Story): View {
  const cinema = makeCinema(options, order);
  const { world, sources, filmMs } = cinema;
  let player = cinema.play(0);
  let seenRatio = 1;
  if (story !== 'whole') world.runUntil(() => player.isEnded, Math.round(filmMs * TURN_AT));
  if (story === 'silent source') sources[1]!.host.uplink.bytesPerSecond = 1;
  if (story === 'jump') {
    player.close();
    seenRatio = TURN_AT + 1 - JUMP_TO;
    player = cinema.play(Math.round(world.contentBytes * JUMP_TO));
  }
  if (!world.runUntil(() => player.isEnded, filmMs * LIMIT)) world.handleProblem('the film was not seen to its end');
  if (player.failure !== undefined) world.handleProblem(`the film could not be read: ${player.failure}`);
  player.close();
  world.checkInvariants();
  return viewOf(cinema, player, seenRatio * world.contentBytes, `${story}, ${order}`);
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

function viewOf({ world, viewer }: Cinema, player: SimPlayer, seenBytes: number, label: string): View {
  const { downloadedBytes, wastedBytes } = viewer.stats()!;
  return {
    waitedSeconds: (player.startMs + player.stalledMs) / 1_000,
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
    { name: `${name}: waited in all`, value: view.waitedSeconds, unit: 'seconds', ...(goal && { goal }) },
    { name: `${name}: first byte`, value: view.firstByteSeconds, unit: 'seconds' },
    { name: `${name}: film begins`, value: view.startSeconds, unit: 'seconds' },
    { name: `${name}: stalls`, value: view.stallCount, unit: 'count' },
    { name: `${name}: stalled`, value: view.stalledSeconds, unit: 'seconds' },
    { name: `${name}: longest stall`, value: view.longestStallSeconds, unit: 'seconds' },
    { name: `${name}: bytes not of what was seen`, value: view.otherRatio, unit: 'percent' },
    { name: `${name}: duplicates`, value: view.duplicateRatio, unit: 'percent' },
  ];
}
