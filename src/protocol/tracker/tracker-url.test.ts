import fc from 'fast-check';
import { expect, test } from 'vitest';
import { URL_MAX_BYTES } from '../limits.ts';
import { parseTrackerUrl, redactTrackerUrl } from './tracker-url.ts';

test.each([
  ['http://Tracker.Example/announce', 'http', 'tracker.example', 80, '/announce'],
  ['https://t.example:8443/a/b?passkey=x%2f&y#part', 'https', 't.example', 8443, '/a/b?passkey=x%2f&y'],
  ['udp://t.example:6969/announce', 'udp', 't.example', 6969, '/announce'],
  ['udp://t.example', 'udp', 't.example', 80, ''],
  ['UDP://[2001:DB8::1]:6969?a=b', 'udp', '2001:db8::1', 6969, '?a=b'],
  ['http://user:word@192.0.2.1:8080/', 'http', '192.0.2.1', 8080, '/'],
])('%s', (text, carrier, hostname, port, pathAndQuery) => {
  expect(parseTrackerUrl(text)).toEqual({ carrier, hostname, port, pathAndQuery });
});

test.each([
  '',
  'announce',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'wss://t.example/',
  'http://',
  'udp://:80/announce',
  'udp://t.example:0/',
  'udp://t.example:65536/',
  'udp://t.example:port/',
  'http://[::1/announce',
  'http://a b/',
  'http://t.example/an\nnounce',
  'http://tracker.exämple/',
  ' http://t.example/',
])('refuses %j', (text) => {
  expect(parseTrackerUrl(text)).toBeUndefined();
  expect(redactTrackerUrl(text)).toBe('(unreadable URL)');
});

test('the longest URL', () => {
  const ofLength = (length: number): string => 'http://t.example/'.padEnd(length, 'a');
  expect(parseTrackerUrl(ofLength(URL_MAX_BYTES - 1))).toBeDefined();
  expect(parseTrackerUrl(ofLength(URL_MAX_BYTES))).toBeDefined();
  expect(parseTrackerUrl(ofLength(URL_MAX_BYTES + 1))).toBeUndefined();
});

test('a log line gets neither path, query nor user', () => {
  expect(redactTrackerUrl('https://me:secret@t.example/0123456789abcdef/announce?key=secret')).toBe(
    'https://t.example:443',
  );
  expect(redactTrackerUrl('udp://[::1]:6969/secret')).toBe('udp://[::1]:6969');
});

test('no text makes it throw', () => {
  fc.assert(
    fc.property(fc.constantFrom('', 'http://', 'udp://', 'https://['), fc.string({ unit: 'binary' }), (start, rest) => {
      const url = parseTrackerUrl(start + rest);
      if (url !== undefined) expect(url.port).toBeGreaterThan(0);
    }),
  );
});
