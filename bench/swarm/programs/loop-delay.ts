// Loaded into a Node program with `--import`: measures how long its event loop keeps timers waiting, from its first line until
// SIGUSR2 asks for the figures. They go to the file that the query of this module's own URL names (`loop-delay.js?out=FILE`). The
// program knows nothing of it.
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 1;
const NANOSECONDS_PER_MS = 1e6;

const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
histogram.enable();

process.once('SIGUSR2', () => {
  histogram.disable();
  // The histogram holds the time between two ticks, the wanted millisecond included.
  const delayMs = (nanoseconds: number): number => Math.max(0, nanoseconds / NANOSECONDS_PER_MS - RESOLUTION_MS);
  const figures = {
    p50Ms: delayMs(histogram.percentile(50)),
    p99Ms: delayMs(histogram.percentile(99)),
    maxMs: delayMs(histogram.max),
  };
  writeFileSync(new URL(import.meta.url).searchParams.get('out') ?? '', JSON.stringify(figures));
});
