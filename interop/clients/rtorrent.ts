// rTorrent without a terminal: a configuration file loads and starts the torrent and says in a file when it is finished.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, PEER_PORT, runningClient } from './client.ts';

export const rtorrent: Client = {
  program: 'rtorrent',
  v2: false,
  createsEmptyFiles: true,
  takesPeers: false,
  async start({ host, source, dataDir, workDir }) {
    const session = join(workDir, 'session');
    const finished = join(workDir, 'finished');
    const log = join(workDir, 'rtorrent.log');
    const configuration = join(workDir, 'rtorrent.rc');
    mkdirSync(session, { recursive: true });
    writeFileSync(
      configuration,
      [
        'system.daemon.set = true',
        `session.path.set = "${session}"`,
        `directory.default.set = "${dataDir}"`,
        `network.port_range.set = ${PEER_PORT}-${PEER_PORT}`,
        'network.port_random.set = no',
        'dht.mode.set = disable',
        'protocol.pex.set = no',
        'trackers.use_udp.set = yes',
        'pieces.hash.on_completion.set = no',
        `method.set_key = event.download.finished, interop_finished, "execute.nothrow=touch,${finished}"`,
        `log.open_file = "log", "${log}"`,
        'log.add_output = "info", "log"',
        'log.add_output = "tracker_debug", "log"',
        `schedule2 = interop_load, 0, 0, ((load.start, "${source}"))`,
        '',
      ].join('\n'),
    );
    const process = host.spawn('rtorrent', 'rtorrent', ['-n', '-o', `import=${configuration}`], {
      env: { ...globalThis.process.env, TERM: 'dumb' },
    });
    const client = runningClient('rtorrent', process, async (timeoutMs) => {
      const endMs = performance.now() + timeoutMs;
      while (!existsSync(finished)) {
        if (process.exit !== undefined)
          throw new Error(`rtorrent ended (code ${process.exit.code}) before it was finished`);
        if (performance.now() > endMs) {
          throw new Error(`rtorrent did not come to having every piece (waited ${timeoutMs / 1000} s)`);
        }
        await delay(100);
      }
    });
    return {
      ...client,
      log: () => `${process.tail(20)}\n${existsSync(log) ? readFileSync(log, 'utf8').slice(-4_000) : ''}`,
    };
  },
};
