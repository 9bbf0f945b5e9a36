// Rules that can stand in the place of Millrace's own, by the names of the command line.
import type { ReplacedParts } from '../../src/engine/session/engine-context.ts';
import { Aria2Choker } from './aria2.ts';
import { BittorrentClassicChoker } from './bittorrent-classic.ts';
import { LibtorrentChoker, LibtorrentRateBasedChoker } from './libtorrent.ts';
import { SimplePickRule } from './simple-pick-rule.ts';
import { TransmissionChoker } from './transmission.ts';

export const CHOKER_VARIANTS: Readonly<Record<string, ReplacedParts['createChoker']>> = {
  millrace: undefined,
  'bittorrent-classic': (options) => new BittorrentClassicChoker(options),
  libtorrent: (options) => new LibtorrentChoker(options),
  'libtorrent-rate-based': (options) => new LibtorrentRateBasedChoker(options),
  transmission: (options) => new TransmissionChoker(options),
  aria2: (options) => new Aria2Choker(options),
};

export const PICKER_VARIANTS: Readonly<Record<string, ReplacedParts['createChooser']>> = {
  millrace: undefined,
  random: (options) => new SimplePickRule(options, 'random'),
  sequential: (options) => new SimplePickRule(options, 'sequential'),
  'rarest-classic': (options) => new SimplePickRule(options, 'rarest'),
};

/** The parts to replace; undefined: there is no such variant. */
export function variantParts(choker: string, picker: string): ReplacedParts | undefined {
  if (!Object.hasOwn(CHOKER_VARIANTS, choker) || !Object.hasOwn(PICKER_VARIANTS, picker)) return undefined;
  const createChoker = CHOKER_VARIANTS[choker];
  const createChooser = PICKER_VARIANTS[picker];
  return { ...(createChoker && { createChoker }), ...(createChooser && { createChooser }) };
}
