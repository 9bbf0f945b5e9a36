// WebTorrent for the interoperability tests: share or fetch one torrent over TCP. One JSON object a line.
// webtorrent-peer.mjs SOURCE DATA_DIR PORT SECURE [PEER...] (SECURE: WebTorrent's option of that name); WEBTORRENT_MANIFEST is the package.json beside its node_modules.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [source, dataDir, port, secure, ...peers] = process.argv.slice(2);
const resolveFrom = createRequire(process.env.WEBTORRENT_MANIFEST);
const { default: WebTorrent } = await import(pathToFileURL(resolveFrom.resolve('webtorrent')).href);
const say = (fields) => process.stdout.write(`${JSON.stringify(fields)}\n`);

const client = new WebTorrent({
  dht: false,
  lsd: false,
  utp: false,
  natUpnp: false,
  natPmp: false,
  utPex: false,
  secure: Number(secure),
  torrentPort: Number(port),
  tracker: { wrtc: false },
});
const fail = (error) => {
  say({ error: String(error?.stack ?? error) });
  process.exit(1);
};
client.on('error', fail);
process.on('unhandledRejection', fail);

const torrent = client.add(source.startsWith('magnet:') ? source : readFileSync(source), { path: dataDir });
torrent.on('infoHash', () => {
  for (const peer of peers) torrent.addPeer(peer);
});
torrent.on('ready', () => say({ event: 'ready', progress: torrent.progress }));
torrent.on('wire', (_wire, address) => say({ event: 'wire', address }));
torrent.on('warning', (warning) => say({ event: 'warning', message: String(warning) }));
torrent.on('done', () => say({ event: 'complete' }));
setInterval(() => say({ event: 'progress', progress: torrent.progress, peers: torrent.numPeers }), 1000).unref();
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    setTimeout(() => process.exit(0), 1000);
    client.destroy(() => process.exit(0));
  });
}
