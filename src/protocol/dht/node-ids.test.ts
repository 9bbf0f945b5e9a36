import { createHash, createPublicKey, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesToHex, encodeUtf8, hexToBytes } from '../../base/bytes.ts';
import { seededRandom } from '../../base/random.ts';
import { parseIpAddress } from '../tracker/ip-address.ts';
import { addToBloomFilter, BLOOM_FILTER_BYTES, estimateBloomFilter, joinBloomFilter } from './bloom-filter.ts';
import { Contact, createContact, decodeContacts, decodeEndpoint, encodeContacts, encodeEndpoint } from './contact.ts';
import { immutableTarget, mutableTarget, signedBytes } from './item.ts';
import { compareDistance, isSameId, randomIdAtDistance, randomNodeId, sharedPrefixBits } from './node-id.ts';
import { crc32c, isLocalAddress, isSecureNodeId, secureNodeId } from './secure-node-id.ts';

const sha1 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha1').update(bytes).digest());
const hex = (text: string): Uint8Array => hexToBytes(text.replaceAll(/\s/g, ''))!;
const random = seededRandom(1);

describe('distance', () => {
  test('orders ids as the XOR of BEP 5 does', () => {
    const id = fc.uint8Array({ minLength: 20, maxLength: 20 });
    const number = (left: Uint8Array, right: Uint8Array): bigint =>
      BigInt(`0x${bytesToHex(left.map((byte, i) => byte ^ right[i]!))}`);
    fc.assert(
      fc.property(id, id, id, (target, left, right) => {
        const difference = number(left, target) - number(right, target);
        const sign = difference < 0n ? -1 : difference > 0n ? 1 : 0;
        expect(Math.sign(compareDistance(target, left, right))).toBe(sign);
        expect(160 - sharedPrefixBits(left, right)).toBe(
          number(left, right) === 0n ? 0 : number(left, right).toString(2).length,
        );
      }),
    );
  });

  test('random ids share as many bits as asked for', () => {
    const own = randomNodeId(random);
    for (let bits = 0; bits < 160; bits++)
      expect(sharedPrefixBits(own, randomIdAtDistance(own, bits, random))).toBe(bits);
    expect(isSameId(randomIdAtDistance(own, 160, random), own)).toBe(true);
  });
});

describe('ids that fit the address (BEP 42)', () => {
  const vectors = [
    ['124.31.75.21', 1, '5fbfbff10c5d6a4ec8a88e4c6ab4c28b95eee401'],
    ['21.75.31.124', 86, '5a3ce9c14e7a08645677bbd1cfe7d8f956d53256'],
    ['65.23.51.170', 22, 'a5d43220bc8f112a3d426c84764f8c2a1150e616'],
    ['84.124.73.14', 65, '1b0321dd1bb1fe518101ceef99462b947a01ff41'],
    ['43.213.53.83', 90, 'e56f6cbf5b7c4be0237986d5243b87aa6d51305a'],
  ] as const;

  test.each(vectors)('%s', (address, seed, text) => {
    const bytes = parseIpAddress(address)!;
    expect(isSecureNodeId(hex(text), bytes)).toBe(true);
    const made = secureNodeId(bytes, seed, random);
    expect(sharedPrefixBits(made, hex(text))).toBeGreaterThanOrEqual(21);
    expect(made[19]).toBe(seed);
    for (const wrong of [0, 1, 2]) {
      const other = hex(text);
      other[wrong]! ^= 0x08;
      expect(isSecureNodeId(other, bytes)).toBe(false);
    }
  });

  test('made ids fit, for IPv6 too, and not for another address', () => {
    const addresses = ['8.8.8.8', '203.0.113.9', '2001:db8:1:2::3', '2a00:1450:4001:81b::200e'].map(
      (text) => parseIpAddress(text)!,
    );
    for (const address of addresses) {
      for (let seed = 0; seed < 256; seed += 5) {
        const id = secureNodeId(address, seed, random);
        expect(isSecureNodeId(id, address)).toBe(true);
        for (const other of addresses) expect(isSecureNodeId(id, other)).toBe(other === address);
      }
    }
  });

  test('local addresses are exempt, their neighbours not', () => {
    const exempt = [
      '10.0.0.1',
      '127.0.0.1',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '169.254.0.1',
      '::1',
      'fe80::1',
      'fd00::1',
    ];
    const others = [
      '11.0.0.1',
      '128.0.0.1',
      '172.15.0.1',
      '172.32.0.1',
      '192.169.1.1',
      '169.255.0.1',
      '::2',
      'fec0::1',
      'fe00::1',
    ];
    for (const text of exempt) expect(isLocalAddress(parseIpAddress(text)!), text).toBe(true);
    for (const text of others) expect(isLocalAddress(parseIpAddress(text)!), text).toBe(false);
    expect(isSecureNodeId(new Uint8Array(20), parseIpAddress('10.0.0.1')!)).toBe(true);
  });

  test('the checksum is CRC-32C', () => {
    expect(crc32c(encodeUtf8('123456789'))).toBe(0xe3069283);
  });
});

describe('compact nodes', () => {
  test('come back as they went, of either family', () => {
    for (const [address, family] of [
      ['192.0.2.7', 4],
      ['2001:db8::7', 6],
    ] as const) {
      const contacts = [1, 2, 3].map((port) => createContact(randomNodeId(random), { address, port: port * 1000 })!);
      const packed = encodeContacts(contacts);
      expect(packed.length).toBe(3 * (family === 4 ? 26 : 38));
      const decoded = decodeContacts(packed, family, 8);
      expect(decoded.map(({ address: host, port, id }) => [host, port, bytesToHex(id)])).toEqual(
        contacts.map(({ address: host, port, id }) => [host, port, bytesToHex(id)]),
      );
      expect(decoded[0]!.family).toBe(family);
      expect(decodeContacts(packed.subarray(0, packed.length - 1), family, 8)).toHaveLength(2);
      expect(decodeContacts(packed, family, 2)).toHaveLength(2);
    }
  });

  test('what cannot be reached is left out', () => {
    for (const [address, port] of [
      ['0.0.0.0', 1],
      ['0.1.2.3', 1],
      ['224.0.0.1', 1],
      ['255.255.255.255', 1],
      ['192.0.2.1', 0],
      ['::', 1],
      ['ff02::1', 1],
    ] as const) {
      expect(decodeEndpoint(encodeEndpoint({ address, port })!), address).toBeUndefined();
    }
    const mapped = hex('00000000000000000000ffffc00002011ae1');
    expect(decodeEndpoint(mapped)).toBeUndefined();
    expect(decodeEndpoint(new Uint8Array(7).fill(1))).toBeUndefined();
    expect(createContact(new Uint8Array(20), { address: 'example.org', port: 1 })).toBeUndefined();
  });

  test('one party is likely to hold one network', () => {
    const networkOf = (address: string): string => createContact(new Uint8Array(20), { address, port: 1 })!.network;
    expect(networkOf('192.0.2.1')).toBe(networkOf('192.0.2.200'));
    expect(networkOf('192.0.2.1')).not.toBe(networkOf('192.0.3.1'));
    expect(networkOf('2001:db8:0:1::1')).toBe(networkOf('2001:db8:0:1:ffff::2'));
    expect(networkOf('2001:db8:0:1::1')).not.toBe(networkOf('2001:db8:0:2::1'));
    expect(networkOf('10.1.2.3')).toBe('');
    expect(createContact(new Uint8Array(20), { address: '8.8.8.8', port: 1 })).toBeInstanceOf(Contact);
  });
});

describe('bloom filters (BEP 33)', () => {
  const vector = `F6C3F5EA A07FFD91 BDE89F77 7F26FB2B FF37BDB8 FB2BBAA2 FD3DDDE7 BACFFF75 EE7CCBAE
 FE5EEDB1 FBFAFF67 F6ABFF5E 43DDBCA3 FD9B9FFD F4FFD3E9 DFF12D1B DF59DB53 DBE9FA5B
 7FF3B8FD FCDE1AFB 8BEDD7BE 2F3EE71E BBBFE93B CDEEFE14 8246C2BC 5DBFF7E7 EFDCF24F
 D8DC7ADF FD8FFFDF DDFFF7A4 BBEEDF5C B95CE81F C7FCFF1F F4FFFFDF E5F7FDCB B7FD79B3
 FA1FC77B FE07FFF9 05B7B7FF C7FEFEFF E0B8370B B0CD3F5B 7F2BD93F EB4386CF DD6F7FD5
 BFAF2E9E BFFFFEEC D67ADBF7 C67F17EF D5D75EBA 6FFEBA7F FF47A91E B1BFBB53 E8ABFB57
 62ABE8FF 237279BF EFBFEEF5 FFC5FEBF DFE5ADFF ADFEE1FB 737FFFFB FD9F6AEF FEEE76B6
 FD8F72EF`;

  test('the vector, whole and joined from two parts', () => {
    const v4 = new Uint8Array(BLOOM_FILTER_BYTES);
    const v6 = new Uint8Array(BLOOM_FILTER_BYTES);
    for (let i = 0; i < 256; i++) addToBloomFilter(v4, sha1(Uint8Array.of(192, 0, 2, i)));
    for (let i = 0; i < 1000; i++) addToBloomFilter(v6, sha1(parseIpAddress(`2001:db8::${i.toString(16)}`)!));
    joinBloomFilter(v4, v6);
    expect(bytesToHex(v4)).toBe(bytesToHex(hex(vector)));
    expect(estimateBloomFilter(v4)).toBeCloseTo(1224.9308, 3);
  });

  test('empty and full filters have an estimate too', () => {
    expect(estimateBloomFilter(new Uint8Array(BLOOM_FILTER_BYTES))).toBe(0);
    expect(estimateBloomFilter(new Uint8Array(BLOOM_FILTER_BYTES).fill(255))).toBeGreaterThan(2_000);
  });
});

describe('items (BEP 44, BEP 46)', () => {
  const publicKey = hex('77ff84905a91936367c01360803104f92432fcd904a43511876df5cdf3e7e548');
  const value = encodeUtf8('12:Hello World!');
  const vectors = [
    [
      '',
      '3:seqi1e1:v12:Hello World!',
      '4a533d47ec9c7d95b1ad75f576cffc641853b750',
      '305ac8aeb6c9c151fa120f120ea2cfb923564e11552d06a5d856091e5e853cff1260d3f39e4999684aa92eb73ffd136e6f4f3ecbfda0ce53a1608ecd7ae21f01',
    ],
    [
      'foobar',
      '4:salt6:foobar3:seqi1e1:v12:Hello World!',
      '411eba73b6f087ca51a3795d9c8c938d365e32c1',
      '6834284b6b24c3204eb2fea824d82f88883a3d95e8b4a21b8c0ded553d17d17ddf9a8a7104b1258f30bed3787e6cb896fca78c58f8e03b5f18f14951a87d9a08',
    ],
  ] as const;

  test.each(vectors)('mutable, salt "%s"', (salt, buffer, target, signature) => {
    const signed = signedBytes(value, 1, encodeUtf8(salt));
    expect(signed).toEqual(encodeUtf8(buffer));
    expect(bytesToHex(mutableTarget(publicKey, encodeUtf8(salt), sha1))).toBe(target);
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') };
    expect(verify(null, signed, createPublicKey({ key: jwk, format: 'jwk' }), hex(signature))).toBe(true);
  });

  test('immutable', () => {
    expect(bytesToHex(immutableTarget(value, sha1))).toBe('e5f96f6f38320f0f33959cb4d3d656452117aadb');
  });

  test.each([
    ['', 'cc3f9d90b572172053626f9980ce261a850d050b'],
    ['6e', '59ee7c2cb9b4f7eb1986ee2d18fd2fdb8a56554f'],
  ])('the target of a btpk link with salt "%s"', (salt, target) => {
    const key = hex('8543d3e6115f0f98c944077a4493dcd543e49c739fd998550a1f614ab36ed63e');
    expect(bytesToHex(mutableTarget(key, hex(salt), sha1))).toBe(target);
  });
});
