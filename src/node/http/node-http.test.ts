// Goal: every bound of NodeHttp, against real servers on loopback that behave as badly as servers can.
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, expect, test, vi } from 'vitest';
import type { HttpErrorCode, HttpRequest, HttpResponse } from '../../platform/http.ts';
import type { Log } from '../../platform/log.ts';
import { NodeHttp } from './node-http.ts';
import {
  EXPIRED_CERTIFICATE,
  GOOD_CERTIFICATE,
  SELF_SIGNED_CERTIFICATE,
  TEST_AUTHORITY,
  TEST_KEY,
  WRONG_HOST_CERTIFICATE,
} from './testing/certificates.ts';

const quiet: Log = { write: () => {} };
const KIB = 1024;
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
  vi.unstubAllEnvs();
});

async function listening(server: net.Server, host = '127.0.0.1'): Promise<number> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.listen(0, host);
  await once(server, 'listening');
  closers.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

async function serve(listener: http.RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listening(http.createServer(listener))}`;
}

/** A server that answers whatever comes with these bytes. */
async function serveRaw(answer: (socket: net.Socket) => void): Promise<string> {
  const server = net.createServer((socket) => void socket.once('data', () => answer(socket)));
  return `http://127.0.0.1:${await listening(server)}`;
}

type Outcome = HttpResponse | { readonly code: HttpErrorCode; readonly message: string };

function get(url: string, options: Partial<HttpRequest> = {}, extraCertificates: string[] = []): Promise<Outcome> {
  return new Promise((done) => {
    let isSynchronous = true;
    const finish = (outcome: Outcome): void => {
      expect(isSynchronous).toBe(false);
      done(outcome);
    };
    const request = { url, totalTimeoutMs: 5_000, maxBodyBytes: 64 * KIB, maxRedirects: 5, ...options };
    new NodeHttp({ log: quiet, extraCertificates }).get(request, {
      handleResponse: finish,
      handleFailed: finish,
    });
    isSynchronous = false;
  });
}

const text = (outcome: Outcome): string => ('body' in outcome ? new TextDecoder().decode(outcome.body) : outcome.code);

test('sends path, query and headers as given, and returns status, headers and body', async () => {
  const seen: http.IncomingMessage[] = [];
  const origin = await serve((request, response) => {
    seen.push(request);
    response.writeHead(404, { 'X-Thing': 'a' }).end('nothing here');
  });
  const outcome = await get(`${origin}/a%2fb/%C3%28?x=%00%fF&y=~#fragment`, { headers: { 'User-Agent': 'Millrace' } });
  expect(outcome).toMatchObject({ status: 404, headers: { 'x-thing': 'a' }, remoteAddress: '127.0.0.1' });
  expect(text(outcome)).toBe('nothing here');
  expect(Buffer.isBuffer((outcome as HttpResponse).body)).toBe(false);
  expect(seen[0]!.url).toBe('/a%2fb/%C3%28?x=%00%fF&y=~');
  expect(seen[0]!.headers['user-agent']).toBe('Millrace');
});

test('a body is posted with its length, and a redirect is not followed with it', async () => {
  const seen: string[] = [];
  const origin = await serve((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { soapaction, 'content-length': length, 'content-type': type } = request.headers;
      seen.push([request.method, request.url, soapaction, type, length, Buffer.concat(parts).toString()].join(' '));
      response.writeHead(307, { Location: '/elsewhere' }).end('there');
    });
  });
  const outcome = await new Promise<Outcome>((handle) => {
    const limits = { totalTimeoutMs: 5_000, maxBodyBytes: KIB, maxRedirects: 5 };
    const headers = { SOAPAction: '"a#b"', 'Content-Type': 'text/xml' };
    new NodeHttp({ log: quiet }).post(
      { url: `${origin}/ctl`, headers, body: new TextEncoder().encode('<a/>'), ...limits },
      { handleResponse: handle, handleFailed: handle },
    );
  });
  expect(outcome).toMatchObject({ status: 307 });
  expect(text(outcome)).toBe('there');
  expect(seen).toEqual(['POST /ctl "a#b" text/xml 4 <a/>']);
});

test.each([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['identity', (body: Buffer) => body],
])('unpacks %s', async (encoding, pack) => {
  const origin = await serve((_, response) => {
    response.writeHead(200, { 'Content-Encoding': encoding }).end(pack(Buffer.from('a body')));
  });
  expect(text(await get(origin))).toBe('a body');
});

test('unknown and damaged encodings are failures', async () => {
  const origin = await serve((request, response) => {
    const encoding = request.url === '/br' ? 'br' : 'gzip';
    response.writeHead(200, { 'Content-Encoding': encoding }).end('certainly not');
  });
  expect(text(await get(`${origin}/br`))).toBe('PROTOCOL_ERROR');
  expect(text(await get(`${origin}/gzip`))).toBe('PROTOCOL_ERROR');
});

test.each([
  ['as received', undefined],
  ['unpacked', 'gzip'],
])('the body %s is bounded', async (_name, encoding) => {
  const origin = await serve((request, response) => {
    const body = Buffer.alloc(Number(request.url!.slice(1)), 0x61);
    response.writeHead(200, encoding === undefined ? {} : { 'Content-Encoding': encoding });
    response.end(encoding === undefined ? body : gzipSync(body));
  });
  for (const length of [64 * KIB - 1, 64 * KIB]) {
    const outcome = await get(`${origin}/${length}`);
    expect('body' in outcome && outcome.body.length).toBe(length);
  }
  expect(text(await get(`${origin}/${64 * KIB + 1}`))).toBe('TOO_LARGE');
});

test('a gzip bomb stops at the bound', async () => {
  const bomb = gzipSync(Buffer.alloc(20 * KIB * KIB));
  expect(bomb.length).toBeLessThan(64 * KIB);
  const origin = await serve((_, response) => void response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(bomb));
  expect(text(await get(origin))).toBe('TOO_LARGE');
});

test('an endless body stops at the bound, in large chunks and in tiny ones', async () => {
  for (const size of [16 * KIB, 16]) {
    const origin = await serve((_, response) => {
      const chunk = Buffer.alloc(size, 0x61);
      const pump = (): void => {
        for (let i = 0; i < 500 && !response.destroyed; i++) response.write(chunk);
        if (!response.destroyed) setImmediate(pump);
      };
      pump();
    });
    expect(text(await get(origin, { maxBodyBytes: 8 * KIB }))).toBe('TOO_LARGE');
  }
});

test('one deadline covers silence, a dripping body and slow redirects', async () => {
  const origin = await serve((request, response) => {
    if (request.url === '/drip') {
      response.writeHead(200);
      const drip = setInterval(() => response.write('a'), 5);
      response.on('close', () => clearInterval(drip));
    } else if (request.url === '/redirect') {
      setTimeout(() => response.writeHead(302, { Location: '/redirect' }).end(), 40);
    }
  });
  for (const path of ['/silence', '/drip', '/redirect']) {
    const startedMs = performance.now();
    expect(text(await get(origin + path, { totalTimeoutMs: 100 }))).toBe('TIMED_OUT');
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  }
});

test('what is not HTTP is a failure', async () => {
  const answers: Record<string, string> = {
    garbage: 'BT/1.0 hello\r\n\r\n',
    'header flood': `HTTP/1.1 200 OK\r\n${'X-Flood: 0123456789abcdef\r\n'.repeat(1_000)}\r\n`,
    'chunk size overflow': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\na',
    'negative length': 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
    'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    'cut short': 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc',
    'nothing at all': '',
    'interim responses without end': 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(200),
  };
  for (const [name, answer] of Object.entries(answers)) {
    const origin = await serveRaw((socket) => socket.end(answer));
    expect([name, text(await get(origin))]).toEqual([name, 'PROTOCOL_ERROR']);
  }
});

test('a body that ends with the connection is whole', async () => {
  const origin = await serveRaw((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nd8:intervali60ee'));
  expect(text(await get(origin))).toBe('d8:intervali60ee');
});

test('redirects are followed up to the limit', async () => {
  const origin = await serve((request, response) => {
    const left = Number(request.url!.slice(2));
    if (left === 0) response.end('arrived');
    else response.writeHead([301, 302, 303, 307, 308][left % 5]!, { Location: `?${left - 1}` }).end();
  });
  expect(text(await get(`${origin}/?4`))).toBe('arrived');
  expect(text(await get(`${origin}/?5`))).toBe('arrived');
  expect(text(await get(`${origin}/?6`))).toBe('TOO_MANY_REDIRECTS');
  expect(text(await get(`${origin}/?1`, { maxRedirects: 0 }))).toBe('TOO_MANY_REDIRECTS');
});

test('a redirect loop ends', async () => {
  const origin = await serve((request, response) => {
    response.writeHead(302, { Location: request.url === '/a' ? '/b' : '/a' }).end();
  });
  expect(text(await get(`${origin}/a`))).toBe('TOO_MANY_REDIRECTS');
});

test.each(['file:///etc/passwd', 'ftp://127.0.0.1/', 'javascript:alert(1)', 'http://[', 'data:,x'])(
  'a redirect to %s is refused',
  async (location) => {
    const origin = await serve((_, response) => void response.writeHead(302, { Location: location }).end());
    expect(text(await get(origin))).toBe('URL_REFUSED');
  },
);

test('credentials stay with their origin', async () => {
  const echo: http.RequestListener = (request, response) => {
    const { authorization, cookie, 'x-other': other } = request.headers;
    response.end(`${authorization ?? '-'} ${cookie ?? '-'} ${other ?? '-'}`);
  };
  const foreign = await serve(echo);
  const origin = await serve((request, response) => {
    if (request.url === '/end') echo(request, response);
    else response.writeHead(302, { Location: request.url === '/same' ? '/end' : foreign }).end();
  });
  const headers = { Authorization: 'Bearer x', Cookie: 'a=b', 'X-Other': 'c' };
  expect(text(await get(`${origin}/same`, { headers }))).toBe('Bearer x a=b c');
  expect(text(await get(`${origin}/away`, { headers }))).toBe('- - c');
  const withUser = origin.replace('http://', 'http://me:se%20cret@');
  const basic = `Basic ${Buffer.from('me:se cret').toString('base64')}`;
  expect(text(await get(`${withUser}/end`))).toBe(`${basic} - -`);
  expect(text(await get(`${withUser}/away`))).toBe('- - -');
});

test.each([
  'file:///etc/passwd',
  'udp://127.0.0.1:80/',
  'ftp://127.0.0.1/',
  'http://',
  'http://127.0.0.1:99999/',
  'http://127.0.0.1/a b',
  'http://127.0.0.1/\u00e9',
  'http://%ff@127.0.0.1/',
  'not a URL',
  '',
])('%j is refused', async (url) => {
  expect(text(await get(url))).toBe('URL_REFUSED');
});

test('a header that cannot be sent is refused', async () => {
  const origin = await serve((_, response) => void response.end());
  expect(text(await get(origin, { headers: { 'User-Agent': 'a\r\nHost: b' } }))).toBe('URL_REFUSED');
});

test('hosts that are unknown or do not answer', async () => {
  expect(text(await get('http://name.invalid/'))).toBe('DNS_FAILED');
  const origin = await serve(() => {});
  closers.pop()!();
  expect(text(await get(origin))).toBe('CONNECT_FAILED');
  expect(text(await get('http://127.0.0.1:9/', { localAddress: '192.0.2.1' }))).toBe('CONNECT_FAILED');
});

test('certificates are verified, whatever the environment says', async () => {
  const secure = async (cert: string): Promise<string> => {
    const server = https.createServer({ cert, key: TEST_KEY }, (_, response) => void response.end('secure'));
    return `https://127.0.0.1:${await listening(server)}`;
  };
  const good = await secure(GOOD_CERTIFICATE);
  expect(text(await get(good, {}, [TEST_AUTHORITY]))).toBe('secure');
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  expect(text(await get(good))).toBe('TLS_FAILED');
  for (const certificate of [SELF_SIGNED_CERTIFICATE, EXPIRED_CERTIFICATE, WRONG_HOST_CERTIFICATE]) {
    expect(text(await get(await secure(certificate), {}, [TEST_AUTHORITY]))).toBe('TLS_FAILED');
  }
  const plain = await serve((_, response) => void response.end());
  expect(text(await get(plain.replace('http:', 'https:')))).toBe('TLS_FAILED');
});

test('the source address and the family are as asked', async () => {
  const listener: http.RequestListener = (request, response) => void response.end(request.socket.remoteAddress);
  const ipv4 = await listening(http.createServer(listener), '127.0.0.1');
  const ipv6 = await listening(http.createServer(listener), '::1');
  if (process.platform === 'linux') {
    expect(text(await get(`http://127.0.0.1:${ipv4}/`, { localAddress: '127.0.0.2' }))).toBe('127.0.0.2');
  }
  expect(text(await get(`http://[::1]:${ipv6}/`))).toBe('::1');
  expect(text(await get(`http://localhost:${ipv4}/`, { family: 4 }))).toBe('127.0.0.1');
});

test('nothing is said after cancel', async () => {
  const called = vi.fn();
  const requested = vi.fn();
  const origin = await serve((request, response) => {
    requested();
    if (request.url === '/after') response.end();
  });
  const client = new NodeHttp({ log: quiet });
  const start = (url: string): { cancel(): void } =>
    client.get(
      { url, totalTimeoutMs: 50, maxBodyBytes: 10, maxRedirects: 0 },
      { handleResponse: called, handleFailed: called },
    );
  start(origin).cancel();
  start('nonsense').cancel();
  const inFlight = start(origin);
  await vi.waitUntil(() => requested.mock.calls.length > 0, { interval: 1 });
  inFlight.cancel();
  inFlight.cancel();
  await get(`${origin}/after`);
  expect(called).not.toHaveBeenCalled();
});

test('a handler that throws does no harm', async () => {
  const written: string[] = [];
  const origin = await serve((_, response) => void response.end('x'));
  const client = new NodeHttp({ log: { write: (_level, message) => written.push(message) } });
  const fail = (): never => {
    throw new Error('mine');
  };
  client.get(
    { url: origin, totalTimeoutMs: 1_000, maxBodyBytes: 10, maxRedirects: 0 },
    { handleResponse: fail, handleFailed: fail },
  );
  await vi.waitUntil(() => written.length === 1, { interval: 1 });
  expect(written[0]).toContain('mine');
});
