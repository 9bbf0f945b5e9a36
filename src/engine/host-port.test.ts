import { expect, test } from 'vitest';
import { formatEndpoint, parseHostPort } from './host-port.ts';

test.each([
  ['10.0.0.1:6881', { host: '10.0.0.1', port: 6881 }],
  ['[fd00::1]:1', { host: 'fd00::1', port: 1 }],
  ['seed.example.org:65535', { host: 'seed.example.org', port: 65_535 }],
])('%s is an address', (text, expected) => {
  expect(parseHostPort(text)).toEqual(expected);
});

test.each([
  '',
  'host',
  'host:',
  ':1',
  'host:0',
  'host:65536',
  'host:1a',
  'a b:1',
  'fd00::1:6881',
  '[fd00::1]',
  'a:1:2',
])('"%s" is none', (text) => {
  expect(parseHostPort(text)).toBeUndefined();
});

test('IPv6 addresses are shown in brackets', () => {
  expect(formatEndpoint({ address: 'fd00::1', port: 80 })).toBe('[fd00::1]:80');
  expect(formatEndpoint({ address: '10.0.0.1', port: 80 })).toBe('10.0.0.1:80');
});
