// The one place where the command line loads the engine: through the package's public entry, like any other program.
import type { Facade } from '../engine/api.ts';

export async function loadFacade(): Promise<Facade> {
  const engine = await import('../index.ts');
  const { createTorrent, readTorrent, scrapeTorrent, verifyTorrent } = engine;
  return {
    openSession: (options) => engine.Session.open(options),
    createTorrent,
    readTorrent,
    scrapeTorrent,
    verifyTorrent,
    dhtBootstrap: engine.DHT_BOOTSTRAP,
  };
}
