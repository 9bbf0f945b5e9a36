// aria2c. It calls a hook when the last piece has come, or when hashing found the data complete; the hook prints a line.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, PEER_PORT, runningClient } from './client.ts';

export const aria2: Client = {
  program: 'aria2',
  v2: false,
  createsEmptyFiles: true,
  takesPeers: false,
  async start({ host, source, dataDir, workDir, seeding, discovery }) {
    const hook = join(workDir, 'complete.sh');
    writeFileSync(hook, '#!/bin/sh\necho hook-complete\n');
    chmodSync(hook, 0o755);
    const args = [
      '--no-conf',
      `--dir=${dataDir}`,
      `--listen-port=${PEER_PORT}`,
      // aria2 speaks to UDP trackers only through its DHT socket; no other node is known here.
      '--enable-dht=true',
      `--dht-listen-port=${PEER_PORT}`,
      `--dht-file-path=${join(workDir, 'dht.dat')}`,
      '--enable-dht6=false',
      `--bt-enable-lpd=${discovery === 'lsd'}`,
      `--enable-peer-exchange=${discovery === 'pex'}`,
      '--follow-torrent=mem',
      '--seed-ratio=0.0',
      '--allow-overwrite=true',
      '--summary-interval=1',
      '--bt-tracker-interval=2',
      '--file-allocation=none',
      `--check-integrity=${seeding}`,
      `--on-bt-download-complete=${hook}`,
      '--log=-',
      '--log-level=notice',
      '--show-console-readout=false',
      source,
    ];
    const process = host.spawn('aria2', 'aria2c', args);
    return runningClient('aria2', process, async (timeoutMs) => {
      await process.waitForLine((line) => line === 'hook-complete', timeoutMs, 'having every piece');
    });
  },
};
