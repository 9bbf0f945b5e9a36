import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeUtf8 } from '../../base/bytes.ts';
import { bencode } from '../bencode/index.ts';
import { buildScrapeUrl, decodeScrapeReply, scrapeUrlOf } from './http-scrape.ts';

test.each([
  ['http://t.example/announce', 'http://t.example/scrape'],
  ['http://t.example/x/announce', 'http://t.example/x/scrape'],
  ['http://t.example/announce.php', 'http://t.example/scrape.php'],
  ['http://t.example/announce?x=2%0644', 'http://t.example/scrape?x=2%0644'],
  ['http://t.example/announce?x=2/4', 'http://t.example/scrape?x=2/4'],
  ['http://announce.example/announce#here', 'http://announce.example/scrape'],
  ['http://t.example/a', undefined],
  ['http://t.example/announce/x', undefined],
  ['http://t.example/x%064announce', undefined],
  ['http://announce', undefined],
  ['', undefined],
])('the scrape URL of %s', (announceUrl, expected) => {
  expect(scrapeUrlOf(announceUrl)).toBe(expected);
});

const HASHES = [new Uint8Array(20).fill(0xfe), new Uint8Array(20).fill(0x61)];

test('asks about several torrents and reads their numbers', () => {
  expect(buildScrapeUrl('http://t.example/announce?p=1', HASHES)).toBe(
    `http://t.example/scrape?p=1&info_hash=${'%FE'.repeat(20)}&info_hash=${'a'.repeat(20)}`,
  );
  expect(buildScrapeUrl('http://t.example/', HASHES)).toBeUndefined();
  const file = { complete: 11, downloaded: 13_772, incomplete: -1 };
  const body = bencode({
    files: new Map([
      ['a'.repeat(20), file],
      ['other', file],
    ]),
  } as never);
  expect(decodeScrapeReply(body, HASHES)).toEqual({
    ok: true,
    counts: [undefined, { seedCount: 11, downloadedCount: 13_772, leecherCount: undefined }],
  });
});

test('a failure is told, junk is survived', () => {
  expect(decodeScrapeReply(bencode({ 'failure reason': 'no' }), HASHES)).toMatchObject({
    ok: false,
    failure: { message: 'no' },
  });
  expect(decodeScrapeReply(encodeUtf8('d5:filesi1ee'), HASHES)).toEqual({ ok: true, counts: [undefined, undefined] });
  fc.assert(fc.property(fc.uint8Array(), (junk) => void decodeScrapeReply(junk, HASHES)));
});
