// Goal: every outcome of fetching a .torrent by URL. Method: a real HTTP server on loopback.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fetchBytes } from './fetch-bytes.ts';

let server: Server;
let base = '';
const options = { maxBytes: 1_000, signal: new AbortController().signal };

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/good') response.end('d4:infode');
    else if (request.url === '/large') response.end(Buffer.alloc(1_001));
    else if (request.url === '/moved') response.writeHead(302, { location: '/good' }).end();
    else if (request.url?.startsWith('/missing')) response.writeHead(404).end();
    // Any other path gets no answer.
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test('returns the body, also behind a redirect', async () => {
  expect(Buffer.from(await fetchBytes(`${base}/good`, options)).toString()).toBe('d4:infode');
  expect(Buffer.from(await fetchBytes(`${base}/moved`, options)).toString()).toBe('d4:infode');
});

test('more than a torrent may have is no torrent', async () => {
  await expect(fetchBytes(`${base}/large`, options)).rejects.toMatchObject({ exitCode: 3 });
});

test('a failure is a network failure and shows no secret of the URL', async () => {
  const error: unknown = await fetchBytes(`${base}/missing?passkey=hush`, options).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ exitCode: 6, code: 'NETWORK_FAILED' });
  expect((error as Error).message).toContain('/missing answered with HTTP status 404');
  expect((error as Error).message).not.toContain('hush');
  await expect(fetchBytes('http://127.0.0.1:1/x', options)).rejects.toMatchObject({ exitCode: 6 });
});

test('an abort ends the wait with its reason', async () => {
  const reason = new Error('enough');
  const controller = new AbortController();
  const fetching = fetchBytes(`${base}/silent`, { maxBytes: 1_000, signal: controller.signal });
  controller.abort(reason);
  await expect(fetching).rejects.toBe(reason);
  await expect(fetchBytes(`${base}/silent`, { maxBytes: 1, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});
