// WebTorrent for the scale benchmark: holds torrents. See holder.ts for the lines it reads and writes.
// hold-webtorrent.mjs TORRENT_DIR DATA_DIR MODE (MODE: verified or trusted); WEBTORRENT_MANIFEST is the package.json beside its node_modules.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [torrentDir, dataDir, mode] = process.argv.slice(2);
const resolveFrom = createRequire(process.env.WEBTORRENT_MANIFEST);
const { default: WebTorrent } = await import(pathToFileURL(resolveFrom.resolve('webtorrent')).href);
let answerCount = 0;
const say = (fields) => process.stdout.write(`${JSON.stringify({ answer: ++answerCount, ...fields })}\n`);

const client = new WebTorrent({
  dht: false,
  lsd: false,
  utp: false,
  natUpnp: false,
  natPmp: false,
  utPex: false,
  tracker: false,
});
client.setMaxListeners(0);
client.on('error', (error) => {
  console.error(error);
  process.exit(1);
});

function bulk(from, to) {
  const startedMs = performance.now();
  const cpuBefore = process.cpuUsage();
  let leftCount = to - from;
  return new Promise((resolve) => {
    for (let index = from; index < to; index++) {
      const bytes = readFileSync(join(torrentDir, `${String(index).padStart(5, '0')}.torrent`));
      const torrent = client.add(bytes, { path: dataDir, skipVerify: mode === 'trusted' });
      torrent.on('done', () => {
        leftCount--;
        if (leftCount > 0) return;
        const { user, system } = process.cpuUsage(cpuBefore);
        resolve({ seconds: (performance.now() - startedMs) / 1000, cpuSeconds: (user + system) / 1e6 });
      });
    }
  });
}

say({});
for await (const line of createInterface({ input: process.stdin })) {
  const [, from, to] = line.split(' ');
  say(await bulk(Number(from), Number(to)));
}
