// The one place where the command line loads the engine: through the package's public entry, like any other program.
import type { Facade } from '../engine/api.ts';

export async function loadFacade(): Promise<Facade> {
  const { Session, createTorrent, readTorrent, scrapeTorrent, verifyTorrent } = await import('../index.ts');
  return { openSession: (options) => Session.open(options), createTorrent, readTorrent, scrapeTorrent, verifyTorrent };
}
