// transmission-daemon, told what to do by transmission-remote, as its users do it. Encryption stays at the program's default
// (preferred) unless `plaintext` is asked for: it greets with an encrypted handshake first and falls back to the plain one.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, PEER_PORT, runningClient } from './client.ts';

const RPC_PORT = 9091;
const START_TIMEOUT_MS = 10_000;

export const transmission: Client = {
  program: 'transmission',
  v2: false,
  createsEmptyFiles: false,
  takesPeers: false,
  async start({ host, source, dataDir, workDir, plaintext = false, discovery }) {
    mkdirSync(workDir, { recursive: true });
    writeFileSync(
      join(workDir, 'settings.json'),
      JSON.stringify({
        'bind-address-ipv4': '0.0.0.0',
        'cache-size-mb': 4,
        'dht-enabled': false,
        'download-dir': dataDir,
        ...(plaintext ? { encryption: 0 } : {}), // 0: tolerated, 1: preferred
        'lpd-enabled': discovery === 'lsd',
        'peer-port': PEER_PORT,
        'pex-enabled': discovery === 'pex',
        'port-forwarding-enabled': false,
        preallocation: 0,
        'rpc-bind-address': '127.0.0.1',
        'rpc-host-whitelist-enabled': false,
        'rpc-port': RPC_PORT,
        'rpc-whitelist-enabled': false,
        'utp-enabled': false,
      }),
    );
    const process = host.spawn('transmission', 'transmission-daemon', ['--foreground', '--log-info', '-g', workDir]);
    const remote = (...args: string[]) =>
      host.run('transmission-remote', [`127.0.0.1:${RPC_PORT}`, ...args], { allowFailure: true, timeoutMs: 5_000 });
    const endMs = performance.now() + START_TIMEOUT_MS;
    for (;;) {
      const added = await remote('-w', dataDir, '-a', source);
      if (added.code === 0 && added.stdout.includes('success')) break;
      if (performance.now() > endMs || process.exit !== undefined) {
        await process.stop('SIGKILL');
        throw new Error(`transmission did not take the torrent: ${added.stdout}${added.stderr}\n${process.tail()}`);
      }
      await delay(150);
    }
    return runningClient('transmission', process, async (timeoutMs) => {
      const limitMs = performance.now() + timeoutMs;
      for (;;) {
        const { stdout } = await remote('-t', '1', '-i');
        if (/Percent Done: 100%/.test(stdout) && !/State: (Verifying|Will Verify)/.test(stdout)) return;
        if (performance.now() > limitMs) {
          throw new Error(`transmission did not come to having every piece (waited ${timeoutMs / 1000} s): ${stdout}`);
        }
        await delay(250);
      }
    });
  },
};
