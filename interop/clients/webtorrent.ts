// WebTorrent over TCP, installed in interop/rivals, away from Millrace's own dependencies. A seed runs with its default
// (`secure: 1`). A leecher runs with `secure: 0`: with the default it opens every connection with an encrypted handshake and
// never tries without, and Millrace does not take encrypted connections.
import { fileFromRoot } from '../world/root.ts';
import { type Client, PEER_PORT, runningClient } from './client.ts';

export const webtorrent: Client = {
  program: 'webtorrent',
  v2: false,
  createsEmptyFiles: false,
  takesPeers: true,
  async start({ host, source, dataDir, seeding, peers = [] }) {
    const script = fileFromRoot('interop/clients/webtorrent-peer.mjs');
    const process = host.spawn(
      'webtorrent',
      globalThis.process.execPath,
      [script, source, dataDir, String(PEER_PORT), seeding ? '1' : '0', ...peers],
      {
        env: { ...globalThis.process.env, WEBTORRENT_MANIFEST: fileFromRoot('interop/rivals/package.json') },
      },
    );
    return runningClient('webtorrent', process, async (timeoutMs) => {
      await process.waitForLine((line) => line === '{"event":"complete"}', timeoutMs, 'having every piece');
    });
  },
};
