// Millrace's own order of choice, which does not know what readers wait for: plain sequential or rarest first.
import type { ReplacedParts } from '../../src/engine/session/engine-context.ts';
import { PieceChooser } from '../../src/swarm/pieces/piece-chooser.ts';

export function withoutDeadlines(): ReplacedParts {
  return { createChooser: (options) => new PieceChooser({ ...options, deadlines: undefined }) };
}
