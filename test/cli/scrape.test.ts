// Goal: `show --scrape` asks real trackers and listens nowhere. Method: the command in this process against an HTTP tracker and a
// UDP tracker on loopback.
import dgram from 'node:dgram';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { ScriptedUdpTracker } from '../../src/engine/announcer/testing/virtual-world.ts';
import { bencode } from '../../src/protocol/bencode/index.ts';
import { runHere } from './cli-process.ts';

const HASH = 'a1'.repeat(20);
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function startHttpTracker(): Promise<string> {
  const server = http.createServer((request, response) => {
    const isScrape = request.url === `/scrape?info_hash=${'%A1'.repeat(20)}`;
    const counts = new Map([
      [Uint8Array.from({ length: 20 }, () => 0xa1), { complete: 5, downloaded: 70, incomplete: 6 }],
    ]);
    response.end(isScrape ? bencode({ files: counts }) : bencode({ 'failure reason': `not ${request.url}` }));
  });
  server.listen(0, '127.0.0.1');
  closers.push(() => server.close());
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/announce`;
}

async function startUdpTracker(): Promise<{ url: string; tracker: ScriptedUdpTracker }> {
  const tracker = new ScriptedUdpTracker();
  const socket = dgram.createSocket('udp4', (datagram, remote) => {
    const answer = tracker.answer(datagram);
    if (answer !== undefined) socket.send(answer, remote.port, remote.address);
  });
  socket.bind(0, '127.0.0.1');
  closers.push(() => socket.close());
  await once(socket, 'listening');
  return { url: `udp://127.0.0.1:${socket.address().port}`, tracker };
}

test('HTTP and UDP trackers of a magnet link', async () => {
  const { url: udpUrl, tracker } = await startUdpTracker();
  const urls = [await startHttpTracker(), udpUrl, 'http://127.0.0.1:1/announce'];
  const magnet = `magnet:?xt=urn:btih:${HASH}${urls.map((url) => `&tr=${encodeURIComponent(url)}`).join('')}`;
  const { exitCode, text, stderr } = await runHere(['show', magnet, '--scrape', '--json']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(JSON.parse(text)).toMatchObject({
    infoHash: HASH,
    scrape: [
      { url: urls[0], seeds: 5, leechers: 6, downloaded: 70, error: null },
      { url: urls[1], seeds: 3, leechers: 4, downloaded: 20, error: null },
      { url: urls[2], seeds: null, leechers: null, downloaded: null, error: expect.any(String) },
    ],
  });
  expect(tracker.log).toEqual(['connect', 'scrape']);
  const plain = await runHere(['show', magnet, '--scrape']);
  expect(plain.text).toContain(`${urls[0]}: 5 seeds, 6 leechers, 70 downloads\n`);
});
