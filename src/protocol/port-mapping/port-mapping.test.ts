import { expect, test } from 'vitest';
import { bytesToHex, hexToBytes } from '../../base/bytes.ts';
import { randomBelow, seededRandom } from '../../base/random.ts';
import { PORT_MAPPING_DATAGRAM_MAX_BYTES } from '../limits.ts';
import { decodeNatPmpAnswer, encodeNatPmpAddressRequest, encodeNatPmpMapping } from './nat-pmp.ts';
import { decodePcpAnswer, encodePcpMapping, isPcpVersionRefused } from './pcp.ts';

const NONCE = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
const NAT_PMP_ANSWER = '00820000000000071ae11ae200000e10';
const PCP_ANSWER =
  '0281000000000e1000000007000000000000000000000000' +
  '0102030405060708090a0b0c060000001ae11ae200000000000000000000ffffcb007109';

test('the questions are those of RFC 6886 and RFC 6887', () => {
  expect(bytesToHex(encodeNatPmpAddressRequest())).toBe('0000');
  const wish = { protocol: 'tcp', internalPort: 6_881, externalPort: 6_882, lifetimeSeconds: 7_200 } as const;
  expect(bytesToHex(encodeNatPmpMapping(wish))).toBe('000200001ae11ae200001c20');
  expect(bytesToHex(encodeNatPmpMapping({ ...wish, protocol: 'udp' }))).toBe('000100001ae11ae200001c20');
  const question = encodePcpMapping({ ...wish, nonce: NONCE, externalAddress: undefined }, '192.168.1.2');
  expect(bytesToHex(question)).toBe(
    '0201000000001c2000000000000000000000ffffc0a80102' +
      '0102030405060708090a0b0c060000001ae11ae200000000000000000000ffff00000000',
  );
  const pinhole = encodePcpMapping({ ...wish, nonce: NONCE, externalAddress: undefined }, '2001:db8::2');
  expect(bytesToHex(pinhole.subarray(8, 24))).toBe('20010db8000000000000000000000002');
  expect(bytesToHex(pinhole.subarray(44))).toBe('00'.repeat(16));
});

test('answers are read', () => {
  const mapping = {
    type: 'mapping',
    protocol: 'tcp',
    internalPort: 6_881,
    externalPort: 6_882,
    lifetimeSeconds: 3_600,
  };
  expect(decodeNatPmpAnswer(hexToBytes(NAT_PMP_ANSWER)!)).toEqual(mapping);
  const address = decodeNatPmpAnswer(hexToBytes('0080000000000007cb007109')!);
  expect(address).toEqual({ type: 'address', externalAddress: '203.0.113.9' });
  const refused = decodeNatPmpAnswer(hexToBytes('0081000200000007')!);
  expect(refused).toEqual({ type: 'refused', protocol: 'udp', resultCode: 2 });
  expect(decodePcpAnswer(hexToBytes(PCP_ANSWER)!)).toEqual({
    resultCode: 0,
    lifetimeSeconds: 3_600,
    nonce: NONCE,
    protocol: 'tcp',
    internalPort: 6_881,
    externalPort: 6_882,
    externalAddress: '203.0.113.9',
  });
});

test('a router of NAT-PMP alone, or of another version of PCP, is told from others', () => {
  expect(isPcpVersionRefused(hexToBytes('0081000100000007')!)).toBe(true);
  expect(isPcpVersionRefused(hexToBytes('0181000100000007')!)).toBe(true);
  expect(isPcpVersionRefused(hexToBytes(PCP_ANSWER)!)).toBe(false);
  expect(isPcpVersionRefused(hexToBytes('0001000100000007')!)).toBe(false);
});

test('every beginning of an answer is refused, and what is too long as well', () => {
  const natPmp = hexToBytes(NAT_PMP_ANSWER)!;
  for (let end = 0; end < natPmp.length; end++) expect(decodeNatPmpAnswer(natPmp.subarray(0, end))).toBeUndefined();
  const pcp = hexToBytes(PCP_ANSWER)!;
  for (let end = 0; end < pcp.length; end++) expect(decodePcpAnswer(pcp.subarray(0, end))).toBeUndefined();
  const long = new Uint8Array(PORT_MAPPING_DATAGRAM_MAX_BYTES + 4);
  long.set(pcp);
  expect(decodePcpAnswer(long)).toBeUndefined();
  expect(decodePcpAnswer(long.subarray(0, PORT_MAPPING_DATAGRAM_MAX_BYTES))).toBeDefined();
});

test('random bytes never throw', () => {
  const random = seededRandom(5_351);
  for (let round = 0; round < 4_000; round++) {
    const bytes = hexToBytes(round % 2 === 0 ? NAT_PMP_ANSWER : PCP_ANSWER)!;
    for (let i = randomBelow(random, 6); i >= 0; i--)
      bytes[randomBelow(random, bytes.length)] = randomBelow(random, 256);
    const cut = bytes.subarray(0, randomBelow(random, bytes.length + 1));
    decodeNatPmpAnswer(cut);
    decodePcpAnswer(cut);
    isPcpVersionRefused(cut);
  }
});
