// libtorrent-rasterbar through Debian's python3-libtorrent, which belongs to the system's own interpreter.
import { fileFromRoot } from '../world/root.ts';
import { type Client, PEER_PORT, runningClient } from './client.ts';

export const SYSTEM_PYTHON = '/usr/bin/python3';
export const libtorrentScript = (): string => fileFromRoot('interop/clients/libtorrent-peer.py');

export const libtorrent: Client = {
  program: 'libtorrent',
  v2: true,
  createsEmptyFiles: true,
  takesPeers: true,
  async start({ host, source, dataDir, uploadBytesPerSecond = 0, givesNothing = false, peers = [], ...more }) {
    const { overIpv6 = false, discovery } = more;
    const listen = overIpv6 ? `[${host.address6}]` : '0.0.0.0';
    const args = [
      libtorrentScript(),
      discovery === 'lsd' ? 'run-lsd' : 'run',
      source,
      dataDir,
      String(PEER_PORT),
      listen,
      givesNothing ? 'nothing' : String(uploadBytesPerSecond),
      ...peers,
    ];
    const process = host.spawn('libtorrent', SYSTEM_PYTHON, args);
    return runningClient('libtorrent', process, async (timeoutMs) => {
      await process.waitForLine((line) => line === '{"event": "complete"}', timeoutMs, 'having every piece');
    });
  },
};
