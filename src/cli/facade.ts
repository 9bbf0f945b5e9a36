// The one place where the command line loads the engine.
import type { Facade } from '../engine/api.ts';

export async function loadFacade(): Promise<Facade> {
  throw new Error('the engine is not part of this build');
}
