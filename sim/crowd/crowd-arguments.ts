// The options of a crowd on the command line.
import type { Crypto } from '../../src/platform/crypto.ts';
import { CHOKER_VARIANTS, PICKER_VARIANTS, variantParts } from '../variants/variants.ts';
import type { CapacityName, CrowdOptions } from './crowd-options.ts';
import type { CrowdScenario } from './crowd-scenario.ts';
import { CROWD_SCENARIOS } from './scenarios/all.ts';

export const CROWD_USAGE = `Crowds: npm run sim -- <crowd> [--seed N] [--count N] [options]
  --peers N           leechers (default 1000)
  --size-mib N        size of the content (default 128)
  --piece-kib N       size of a piece (default 256)
  --up-mbit N         upload of the seed, and of all where capacities are equal (default 10)
  --down-mbit N       the same for download (default ten times as much)
  --capacities NAME   equal or broadband (default equal)
  --nat RATIO         leechers that cannot be dialled (default 0)
  --connections N     of each peer at most (default 50)
  --turn-blocks N     blocks that an uplink sends to one peer before the next (default 4 from 200 peers on, else 1)
  --choker NAME       ${Object.keys(CHOKER_VARIANTS).join(', ')}
  --picker NAME       ${Object.keys(PICKER_VARIANTS).join(', ')}
  --progress          tell how far it is, every ten virtual seconds
  --plot FOLDER       write the curves as SVG, and all figures as JSON`;

const DEFAULT_PEERS = 1_000;
/** From so many peers on, speed is worth more than the order in which blocks of a round leave. */
const COARSE_FROM_PEERS = 200;
const KIB = 1_024;

export interface CrowdArguments {
  readonly scenario: CrowdScenario;
  /** Of one seed. */
  optionsFor(seed: number, crypto: Crypto): CrowdOptions;
}

/** Undefined: there is no such crowd, or a value makes no sense. */
export function parseCrowdArguments(
  name: string | undefined,
  optionValue: (option: string) => string | undefined,
): CrowdArguments | undefined {
  const scenario = CROWD_SCENARIOS.find((one) => one.name === name);
  if (scenario === undefined) return undefined;
  const number = (option: string, fallback: number): number => Number(optionValue(option) ?? fallback);
  const peerCount = number('--peers', scenario.defaults?.peerCount ?? DEFAULT_PEERS);
  const pieceLengthBytes = number('--piece-kib', 256) * KIB;
  const pieceCount = Math.ceil((number('--size-mib', 128) * KIB * KIB) / pieceLengthBytes);
  const uploadMbit = number('--up-mbit', scenario.defaults?.uploadMbit ?? 10);
  const downloadMbit = number('--down-mbit', uploadMbit * 10);
  const capacities = optionValue('--capacities') ?? 'equal';
  const natRatio = number('--nat', 0);
  const connectionsMax = number('--connections', 50);
  const blocksPerTurn = number('--turn-blocks', peerCount >= COARSE_FROM_PEERS ? 4 : 1);
  const rules = variantParts(optionValue('--choker') ?? 'millrace', optionValue('--picker') ?? 'millrace');
  const areAboveZero = [peerCount, pieceCount, uploadMbit, downloadMbit, connectionsMax, blocksPerTurn].every(
    (value) => value > 0 && value < Number.POSITIVE_INFINITY,
  );
  if (!areAboveZero || !(natRatio >= 0 && natRatio <= 1) || !isCapacityName(capacities) || rules === undefined) {
    return undefined;
  }
  return {
    scenario,
    optionsFor: (seed, crypto) => ({
      seed,
      crypto,
      peerCount,
      pieceCount,
      pieceLengthBytes,
      uploadMbit,
      downloadMbit,
      capacities,
      natRatio,
      connectionsMax,
      blocksPerTurn,
      rules,
    }),
  };
}

function isCapacityName(name: string): name is CapacityName {
  return name === 'equal' || name === 'broadband';
}
