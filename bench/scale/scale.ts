// What it costs to hold much and do little: thousands of seeding torrents, beside libtorrent and WebTorrent with the same ones, and a
// thousand peers that say nothing. Small v1 torrents of one file each, data in a memory file system, everything on loopback. The
// built package runs in a process of its own; memory, processor time and wake-ups are the kernel's figures for it.
//
// npm run bench:scale -- [--torrents 10000] [--peers 1000] [--size-kib 64] [--runs 3] [--idle-seconds 60] [--folder /dev/shm]
//   [--programs millrace,libtorrent,webtorrent] [--parts torrents,one-more,trackers,peers] [--out FILE]
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeReport } from '../harness/report.ts';
import type { CheckMode, HolderProgram } from './holder.ts';
import { makeLibrary } from './library.ts';
import {
  type HeldTorrents,
  holdTorrents,
  oneMore,
  SINGLE_ADDS,
  silentPeers,
  type TrackedTorrents,
  trackedTorrents,
} from './measurements.ts';
import { QuietTracker } from './quiet-tracker.ts';
import { type ScaleResults, tables } from './tables.ts';

const PROGRAMS: readonly HolderProgram[] = ['millrace', 'libtorrent', 'webtorrent'];
const PARTS = ['torrents', 'one-more', 'trackers', 'peers'] as const;
/** In the middle of the silent crowds; the smallest is nobody, the largest `--peers`. */
const SOME_PEERS = 100;

type Part = (typeof PARTS)[number];

interface Options {
  readonly torrentCount: number;
  readonly peerCount: number;
  readonly sizeBytes: number;
  readonly runCount: number;
  readonly idleSeconds: number;
  readonly folder: string;
  readonly programs: readonly HolderProgram[];
  readonly parts: readonly Part[];
  readonly out: string | undefined;
}

function listOf<Item extends string>(text: string, known: readonly Item[]): Item[] {
  const items = text.split(',');
  const unknown = items.filter((item) => !(known as readonly string[]).includes(item));
  if (unknown.length > 0) throw new Error(`unknown: ${unknown.join(', ')}; known: ${known.join(', ')}`);
  return items as Item[];
}

function options(): Options {
  const { values } = parseArgs({
    options: {
      torrents: { type: 'string', default: '10000' },
      peers: { type: 'string', default: '1000' },
      'size-kib': { type: 'string', default: '64' },
      runs: { type: 'string', default: '3' },
      'idle-seconds': { type: 'string', default: '60' },
      folder: { type: 'string', default: '/dev/shm' },
      programs: { type: 'string', default: PROGRAMS.join(',') },
      parts: { type: 'string', default: PARTS.join(',') },
      out: { type: 'string' },
    },
  });
  const resolved = {
    torrentCount: Number(values.torrents),
    peerCount: Number(values.peers),
    sizeBytes: Number(values['size-kib']) * 1024,
    runCount: Number(values.runs),
    idleSeconds: Number(values['idle-seconds']),
    folder: values.folder,
    programs: listOf(values.programs, PROGRAMS),
    parts: listOf(values.parts, PARTS),
    out: values.out,
  };
  const { torrentCount, peerCount, sizeBytes, runCount, idleSeconds } = resolved;
  const isPositive = [torrentCount, peerCount, sizeBytes, runCount, idleSeconds].every((value) => value > 0);
  // A peer that has been silent for two minutes is taken for dead.
  if (!isPositive || idleSeconds > 80) throw new Error('numbers must be above 0, and --idle-seconds at most 80');
  return resolved;
}

async function measureTorrents(folder: string, { programs, torrentCount, sizeBytes, runCount, idleSeconds }: Options) {
  const library = makeLibrary({ folder, count: torrentCount + SINGLE_ADDS, sizeBytes, trackerUrl: undefined });
  const held: HeldTorrents[] = [];
  const modes: readonly CheckMode[] = ['verified', 'trusted'];
  for (let run = 0; run < runCount; run++) {
    for (const mode of modes) {
      for (const count of [Math.ceil(torrentCount / 2), torrentCount]) {
        for (const program of programs) {
          const isFull = mode === 'verified' && count === torrentCount && run === 0;
          const one = await holdTorrents(program, library, {
            mode,
            torrentCount: count,
            idleSeconds: isFull ? idleSeconds : 0,
          });
          console.error(JSON.stringify(one));
          held.push(one);
        }
      }
    }
  }
  return held;
}

async function measure(folder: string, settings: Options): Promise<ScaleResults> {
  const { parts, torrentCount, sizeBytes, idleSeconds, peerCount } = settings;
  const held = parts.includes('torrents') ? await measureTorrents(folder, settings) : [];
  const library = makeLibrary({ folder, count: torrentCount + SINGLE_ADDS, sizeBytes, trackerUrl: undefined });
  const more = parts.includes('one-more') ? await oneMore(library, torrentCount) : [];
  let tracked: TrackedTorrents | undefined;
  if (parts.includes('trackers')) {
    const tracker = await QuietTracker.start();
    const withTracker = makeLibrary({ folder, count: torrentCount, sizeBytes, trackerUrl: tracker.url });
    tracked = await trackedTorrents(withTracker, tracker, { torrentCount, idleSeconds });
    tracker.close();
  }
  const crowds = [0, Math.min(SOME_PEERS, peerCount), peerCount];
  const peers = parts.includes('peers') ? await silentPeers(library, crowds, idleSeconds) : [];
  return { held, oneMore: more, tracked, peers };
}

const settings = options();
const folder = mkdtempSync(join(settings.folder, 'millrace-scale-'));
try {
  const results = await measure(folder, settings);
  console.log(tables(results));
  const programs = settings.programs.filter((program) => program !== 'millrace');
  const out = await writeReport({ benchmark: 'scale', programs, out: settings.out }, { options: settings, results });
  console.error(`written: ${out}`);
} finally {
  rmSync(folder, { recursive: true });
}
