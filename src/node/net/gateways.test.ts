import { expect, test } from 'vitest';
import { guessGateways, parseRoutes, parseRoutes6 } from './gateways.ts';

const HEAD = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n';

test('of the IPv4 table only default routes through a router are taken, each once', () => {
  const table = [
    'eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0',
    'wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0',
    'tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0',
    'tun0\t00000000\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0',
    'eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0',
    '',
  ];
  expect(parseRoutes(HEAD + table.join('\n'))).toEqual(['192.168.1.1']);
  expect(parseRoutes('')).toEqual([]);
  expect(parseRoutes(`${HEAD}eth0\t00000000\tzz\t0003\t0\t0\t0\t00000000`)).toEqual([]);
});

test('of the IPv6 table link-local routers are left out', () => {
  const any = '0'.repeat(32);
  const line = (gateway: string, flags: string): string =>
    `${any} 00 ${any} 00 ${gateway} 00000400 00000001 00000000 ${flags}     eth0`;
  const table = [
    line('fd000077000000000000000000000001', '00000003'),
    line('fe800000000000000000000000000001', '00000003'),
    line(any, '00200200'),
  ];
  expect(parseRoutes6(table.join('\n'))).toEqual(['fd00:77::1']);
});

test('elsewhere the first address of each private network is asked', () => {
  const local = (address: string, prefixBits: number) => ({ name: 'en0', address, prefixBits });
  expect(guessGateways([local('192.168.1.77', 24), local('10.0.5.9', 22), local('8.8.8.8', 24)])).toEqual([
    '192.168.1.1',
    '10.0.4.1',
  ]);
  expect(guessGateways([local('192.168.1.1', 24), local('fd00::2', 64), local('10.0.0.1', 32)])).toEqual([]);
});
