// The DHT's stories at the command line: node build/sim/dht/run.js STORY [--nodes N] [--seed N] ….
import { LOOKUP_RULES } from '../../src/swarm/dht/lookup.ts';
import { nodeCrypto } from '../testing/node-crypto.ts';
import { DhtStory, type DhtStoryOptions } from './dht-scenario.ts';

const WORDS: readonly string[] = process.argv.slice(2);
const number = (name: string, fallback: number): number => {
  const at = WORDS.indexOf(name);
  return at < 0 ? fallback : Number(WORDS[at + 1]);
};
const rulesName = WORDS.includes('--rules') ? WORDS[WORDS.indexOf('--rules') + 1] : 'millrace';
const options: DhtStoryOptions = {
  seed: number('--seed', 1),
  nodeCount: number('--nodes', 500),
  lookupCount: number('--lookups', 300),
  churnPerHour: number('--churn', 0.2),
  liarRatio: number('--liars', 0.1),
  friendRatio: number('--friends', 0.5),
  minutes: number('--minutes', 30),
  torrentCount: number('--torrents', 50),
  ...(rulesName === 'libtorrent' && {
    rules: {
      ...LOOKUP_RULES,
      overdueMs: 15_000,
      countsInsecure: true,
      insecureAskedMax: Infinity,
      insecureAskedStrictMax: Infinity,
      falseNamesMax: Infinity,
    },
  }),
  ...(WORDS.includes('--attack') && {
    attack: {
      nodeCount: number('--attack', 100),
      fitsAddress: WORDS.includes('--fits'),
      networkCount: number('--networks', 100),
    },
  }),
  crypto: (random) => nodeCrypto(random),
  onProgress: (line) => console.error(`  ${line}`),
};
const startedMs = performance.now();
const story = new DhtStory(options);
const result = story.run();
console.log(JSON.stringify(result, undefined, 1));
const percent = ((100 * result.foundCount) / result.lookupCount).toFixed(1);
console.log(
  `found ${percent} %; ${story.world.sentCount} datagrams; ${((performance.now() - startedMs) / 1000).toFixed(1)} s; ` +
    `${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`,
);
