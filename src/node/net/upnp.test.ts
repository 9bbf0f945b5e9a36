// Goal: ports are mapped over real sockets: searches reach a group and are answered, requests are what a server of HTTP
// reads. Method: a scripted router on the loopback interface, whose address is its gateway's and ours.
import dgram from 'node:dgram';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { seededRandom } from '../../base/random.ts';
import { UpnpClient } from '../../engine/port-mapping/upnp-client.ts';
import type { Log } from '../../platform/log.ts';
import { SSDP_GROUP, SSDP_PORT } from '../../protocol/port-mapping/ssdp.ts';
import { ScriptedIgd } from '../../protocol/port-mapping/testing/scripted-igd.ts';
import { NodeHttp } from '../http/node-http.ts';
import { NodeNetwork } from './node-network.ts';

const LOOPBACK = '127.0.0.1';
const quiet: Log = { write: () => {} };
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function serve(igd: ScriptedIgd): Promise<void> {
  const server = http.createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const isPost = request.method === 'POST';
      // As small devices do: no length, no body.
      const isWhole = !isPost || request.headers['content-length'] === `${Buffer.concat(parts).length}`;
      const answer = igd.handle(request.url ?? '', isPost && isWhole ? Buffer.concat(parts) : undefined);
      response.writeHead(answer.status, { 'Content-Type': 'text/xml', 'Transfer-Encoding': 'identity' });
      response.end(answer.body);
    });
  });
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = dgram.createSocket({ type: 'udp4', reuseAddr: true });
  socket.on('message', (search, { address, port: from }) => {
    const answer = igd.answerSearch(search, LOOPBACK, port);
    if (answer !== undefined) socket.send(answer, from, address);
  });
  socket.bind(SSDP_PORT, SSDP_GROUP);
  await once(socket, 'listening');
  socket.addMembership(SSDP_GROUP, LOOPBACK);
  closers.push(() => {
    server.close();
    server.closeAllConnections();
    socket.close();
  });
}

test('a port is mapped and given back over real sockets', async () => {
  const igd = new ScriptedIgd({ version: 2 });
  await serve(igd);
  const random = seededRandom(3);
  const timers = new Set<NodeJS.Timeout>();
  const clock = {
    nowMs: () => performance.now(),
    wallTimeMs: () => 0,
    schedule: (atMs: number, callback: () => void) => {
      const timer = setTimeout(callback, atMs - performance.now());
      timers.add(timer);
      return { cancel: () => clearTimeout(timer) };
    },
  };
  const drive = (): void => {
    const deadlineMs = client.drive(clock.nowMs());
    if (deadlineMs !== Number.POSITIVE_INFINITY && deadlineMs < clock.nowMs() + 60_000)
      clock.schedule(deadlineMs, drive);
  };
  const client: UpnpClient = new UpnpClient({
    platform: {
      clock,
      crypto: { random } as never,
      http: new NodeHttp({ log: quiet }),
      log: quiet,
      network: new NodeNetwork(quiet),
    },
    gateway: LOOPBACK,
    clientAddress: LOOPBACK,
    prefixBits: 8,
    internalPort: 6_881,
    protocols: ['tcp', 'udp'],
    handleInput: drive,
  });
  closers.push(() => {
    client.close();
    for (const timer of timers) clearTimeout(timer);
  });
  drive();
  await vi.waitUntil(() => client.status('udp').state === 'mapped', { interval: 2, timeout: 5_000 });
  expect(client.status('tcp')).toMatchObject({ state: 'mapped', externalPort: 6_881, externalAddress: '203.0.113.9' });
  expect([...igd.mappings.keys()]).toEqual(['TCP 6881', 'UDP 6881']);
  await new Promise<void>((resolve) => client.release(resolve));
  expect(igd.mappings.size).toBe(0);
});
