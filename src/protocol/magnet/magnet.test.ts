import fc from 'fast-check';
import parseTorrent from 'parse-torrent';
import { expect, test } from 'vitest';
import { bytesToHex } from '../../base/bytes.ts';
import {
  FILES_MAX,
  MAGNET_MAX_CHARACTERS,
  MAGNET_PEERS_MAX,
  TRACKERS_PER_TIER_MAX,
  URL_MAX_BYTES,
  WEB_SEEDS_MAX,
} from '../limits.ts';
import { formatMagnet, type Magnet, parseMagnet } from './index.ts';

const V1 = '0123456789abcdef0123456789abcdef01234567';
const V2 = `${V1}0123456789abcdef01234567`;
const BASE32 = 'aerukz4jvpg66ajdivtytk6n54asgrlh';

function valid(text: string): Magnet {
  const parsed = parseMagnet(text);
  if (!parsed.ok) throw new Error(parsed.problem.message);
  return parsed.value;
}

function problemOf(text: string): string | undefined {
  const parsed = parseMagnet(text);
  if (parsed.ok) return undefined;
  expect(parsed.problem.code).toBe('MAGNET_INVALID');
  expect(parsed.problem.message).toMatch(/^[A-Z].*[^.]\.$/);
  return parsed.problem.message;
}

const hashes = ({ infoHash, infoHashV2 }: Magnet): (string | undefined)[] => [
  infoHash && bytesToHex(infoHash),
  infoHashV2 && bytesToHex(infoHashV2),
];

test.each([
  [V1, V1, undefined],
  [` ${V1.toUpperCase()}\n`, V1, undefined],
  [BASE32, V1, undefined],
  [BASE32.toUpperCase(), V1, undefined],
  [V2, undefined, V2],
  [`1220${V2}`, undefined, V2],
  [`magnet:?xt=urn:btih:${V1}`, V1, undefined],
  [`MAGNET:?XT=URN:BTIH:${V1.toUpperCase()}`, V1, undefined],
  [`magnet:?xt=urn:btih:${BASE32}`, V1, undefined],
  [`magnet:?xt=urn%3Abtih%3A${V1}`, V1, undefined],
  [`magnet:?xt=urn:btmh:1220${V2}`, undefined, V2],
  [`magnet:?xt=urn:btih:${V1}&xt=urn:btmh:1220${V2}`, V1, V2],
  [`magnet:?xt.1=urn:btih:${V1}&xt.2=urn:btmh:1220${V2}`, V1, V2],
  [`magnet:?xt=urn:ed2k:abc&xt=urn:btih:${V1}&xt=urn:btih:${V1}`, V1, undefined],
  [`magnet:?dn=x&amp;xt=urn:btih:${V1}`, V1, undefined],
])('%s', (text, infoHash, infoHashV2) => {
  expect(hashes(valid(text))).toEqual([infoHash, infoHashV2]);
});

test.each([
  ['', /neither a magnet link nor an info-hash/],
  ['hello', /neither a magnet link nor an info-hash/],
  [V1.slice(1), /neither/],
  [V1.replace('0', 'g'), /neither/],
  [BASE32.replace('a', '1'), /neither/],
  [`1114${V1}`, /neither/],
  ['magnet:', /neither/],
  ['magnet:?', /names no torrent/],
  ['magnet:?dn=x&tr=udp://t:1', /names no torrent/],
  ['magnet:?xt=urn:sha1:abc', /names no torrent/],
  [`magnet:?xt=urn:btih:${V1.slice(1)}`, /urn:btih\) of the magnet link is not/],
  [`magnet:?xt=urn:btih:${V2}`, /urn:btih\) of the magnet link is not/],
  [`magnet:?xt=urn:btmh:${V2}`, /urn:btmh\) of the magnet link is not/],
  [`magnet:?xt=urn:btmh:1120${V2}`, /urn:btmh\) of the magnet link is not/],
  [`magnet:?xt=urn:btih:${V1}&xt=urn:btih:${'f'.repeat(40)}`, /two different torrents/],
  [`magnet:?xt=urn:btmh:1220${V2}&xt=urn:btmh:1220${'f'.repeat(64)}`, /two different torrents/],
  [`magnet:?xt=urn:btih:${V1}&so=1,x`, /file selection/],
  [`magnet:?xt=urn:btih:${V1}&so=`, /file selection/],
  [`magnet:?xt=urn:btih:${V1}&so=3-1`, /file selection/],
  [`magnet:?xt=urn:btih:${V1}&so=-1`, /file selection/],
])('no magnet link: %s', (text, sentence) => {
  expect(problemOf(text)).toMatch(sentence);
});

test('parameters', () => {
  const magnet = valid(
    `magnet:?xt=urn:btih:${V1}&dn=a+b%20%C3%BC%2B&dn=second&xl=123&tr=http%3A%2F%2Ft.example%2Fannounce%3Fk%3D1%262` +
      '&tr.1=udp://u.example:80&tr.2=udp://u.example:80&tr=file:///etc/passwd&tr=%&ws=https://w.example/a+b&ws=udp://x:1' +
      '&x.pe=1.2.3.4:5&x.pe=[2001:db8::1]:6&x.pe.7=host.example:7&x.pe=1.2.3.4:0&x.pe=1.2.3.4:65536&x.pe=h&x.pe=a b:1' +
      '&so=6-8,0,2,1,7-9&unknown=1&novalue&__proto__=x',
  );
  expect(magnet).toMatchObject({
    name: 'a b ü+',
    lengthBytes: 123,
    trackers: ['http://t.example/announce?k=1&2', 'udp://u.example:80'],
    webSeeds: ['https://w.example/a+b'],
    peers: ['1.2.3.4:5', '[2001:db8::1]:6', 'host.example:7'],
    selectOnly: [
      [0, 2],
      [6, 9],
    ],
  });
  for (const xl of ['-1', '1.5', '', '99999999999999999']) {
    expect(valid(`magnet:?xt=urn:btih:${V1}&xl=${xl}`).lengthBytes).toBeUndefined();
  }
});

test('limits', () => {
  const padded = (length: number): string => {
    const link = `magnet:?xt=urn:btih:${V1}&dn=`;
    return link + 'x'.repeat(length - link.length);
  };
  for (const delta of [-1, 0]) expect(problemOf(padded(MAGNET_MAX_CHARACTERS + delta))).toBeUndefined();
  expect(problemOf(padded(MAGNET_MAX_CHARACTERS + 1))).toMatch(/longer than 65536 characters/);

  const many = (count: number, parameter: (i: number) => string): Magnet =>
    valid(`magnet:?xt=urn:btih:${V1}&${Array.from({ length: count }, (_, i) => parameter(i)).join('&')}`);
  for (const delta of [-1, 0, 1]) {
    const kept = Math.min(delta, 0);
    const trackers = many(TRACKERS_PER_TIER_MAX + delta, (i) => `tr=udp://h${i}:1`).trackers;
    expect(trackers.length).toBe(TRACKERS_PER_TIER_MAX + kept);
    const webSeeds = many(WEB_SEEDS_MAX + delta, (i) => `ws=http://h${i}/`).webSeeds;
    expect(webSeeds.length).toBe(WEB_SEEDS_MAX + kept);
    const peers = many(MAGNET_PEERS_MAX + delta, (i) => `x.pe=h${i}:1`).peers;
    expect(peers.length).toBe(MAGNET_PEERS_MAX + kept);
    const url = many(1, () => `tr=http://h/${'x'.repeat(URL_MAX_BYTES + delta - 9)}`).trackers;
    expect(url.length).toBe(delta > 0 ? 0 : 1);
  }
  expect(many(1, () => `so=${FILES_MAX - 2}`).selectOnly).toEqual([[FILES_MAX - 2, FILES_MAX - 2]]);
  expect(many(1, () => `so=${FILES_MAX - 1}`).selectOnly).toEqual([[FILES_MAX - 1, FILES_MAX - 1]]);
  expect(problemOf(`magnet:?xt=urn:btih:${V1}&so=${FILES_MAX}`)).toMatch(/file selection/);
});

const anyMagnet: fc.Arbitrary<Magnet> = fc.record(
  {
    infoHash: fc.uint8Array({ minLength: 20, maxLength: 20 }),
    infoHashV2: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    name: fc.string({ unit: 'grapheme', minLength: 1 }).filter((name) => name.trim() === name),
    lengthBytes: fc.maxSafeNat(),
    trackers: fc.uniqueArray(fc.webUrl({ withQueryParameters: true }), { maxLength: 3 }),
    webSeeds: fc.uniqueArray(fc.webUrl(), { maxLength: 3 }),
    peers: fc.uniqueArray(
      fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 65_535 })).map(([address, port]) => `${address}:${port}`),
      { maxLength: 3 },
    ),
    selectOnly: fc.constantFrom([[0, 0]] as const, [[1, 3] as const, [5, 5] as const]),
  },
  { requiredKeys: ['infoHash', 'trackers', 'webSeeds', 'peers'] },
);

test('what is written is read back', () => {
  fc.assert(
    fc.property(anyMagnet, (magnet) => {
      expect(valid(formatMagnet(magnet))).toEqual(magnet);
    }),
  );
});

test('parse-torrent reads what is written here', async () => {
  await fc.assert(
    fc.asyncProperty(anyMagnet, async (magnet) => {
      const oracle = await parseTorrent(formatMagnet(magnet));
      expect(oracle.infoHash).toBe(bytesToHex(magnet.infoHash!));
      expect([...oracle.announce!].sort()).toEqual([...magnet.trackers].sort());
      expect([...oracle.urlList!].sort()).toEqual([...magnet.webSeeds].sort());
      expect(oracle.peerAddresses ?? []).toEqual(magnet.peers);
    }),
    { numRuns: 30 },
  );
});

test('any text is read or refused, and never throws', () => {
  const fragment = fc.constantFrom('xt=urn:btih:', V1, BASE32, '&', 'tr=', 'so=1-2', '%', '%f', '%ff', '=', '.1', '+');
  const anyText = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fragment).map((fragments) => `magnet:?${fragments.join('')}`),
  );
  fc.assert(
    fc.property(anyText, (text) => {
      const parsed = parseMagnet(text);
      if (parsed.ok) expect(valid(formatMagnet(parsed.value))).toEqual(parsed.value);
      else problemOf(text);
    }),
    { numRuns: 500 },
  );
});

test('a publisher stands for the torrent that the DHT names (BEP 46)', () => {
  const key = '8543d3e6115f0f98c944077a4493dcd543e49c739fd998550a1f614ab36ed63e';
  const plain = valid(`magnet:?xs=urn:btpk:${key}&dn=news`);
  expect(bytesToHex(plain.publisher!.publicKey)).toBe(key);
  expect(plain).toMatchObject({ name: 'news', publisher: { salt: new Uint8Array(0) } });
  const salted = valid(`magnet:?xs=urn:btpk:${key.toUpperCase()}&s=6e`);
  expect(salted.publisher!.salt).toEqual(Uint8Array.of(0x6e));
  expect(formatMagnet(salted)).toBe(`magnet:?xs=urn:btpk:${key}&s=6e`);
  expect(valid(`magnet:?xs=urn:btpk:${key}&xt=urn:btih:${V1}&s=zz`)).not.toHaveProperty('publisher');
  expect(problemOf(`magnet:?xs=urn:btpk:${key.slice(2)}`)).toMatch(/public key/);
  expect(problemOf(`magnet:?xs=urn:btpk:${key}&xs.2=urn:btpk:${'0'.repeat(64)}`)).toMatch(/two different public keys/);
  expect(problemOf(`magnet:?xs=urn:btpk:${key}&s=6`)).toMatch(/salt/);
  expect(problemOf(`magnet:?xs=urn:btpk:${key}&s=${'00'.repeat(65)}`)).toMatch(/salt/);
  expect(problemOf('magnet:?xs=http://h/x.torrent')).toMatch(/names no torrent/);
});
