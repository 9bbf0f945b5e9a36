// WebTorrent over TCP, installed in interop/rivals, away from Millrace's own dependencies.
import { fileFromRoot } from '../world/root.ts';
import { type Client, PEER_PORT, runningClient } from './client.ts';

export const webtorrent: Client = {
  program: 'webtorrent',
  v2: false,
  createsEmptyFiles: false,
  takesPeers: true,
  async start({ host, source, dataDir, peers = [] }) {
    const script = fileFromRoot('interop/clients/webtorrent-peer.mjs');
    const process = host.spawn(
      'webtorrent',
      globalThis.process.execPath,
      [script, source, dataDir, String(PEER_PORT), ...peers],
      {
        env: { ...globalThis.process.env, WEBTORRENT_MANIFEST: fileFromRoot('interop/rivals/package.json') },
      },
    );
    return runningClient('webtorrent', process, async (timeoutMs) => {
      await process.waitForLine((line) => line === '{"event":"complete"}', timeoutMs, 'having every piece');
    });
  },
};
