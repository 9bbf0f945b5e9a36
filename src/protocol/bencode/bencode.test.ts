import npmBencode from 'bencode';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesToHex, compareBytes, concatBytes, encodeUtf8 } from '../../base/bytes.ts';
import {
  BENCODE_INTEGER_DIGITS_MAX,
  BENCODE_TORRENT_DEPTH_MAX,
  BENCODE_TORRENT_TOKENS_MAX,
  TORRENT_FILE_MAX_BYTES,
} from '../limits.ts';
import { BDict, type BEncodable, Bencoded, type BValue, bdecode, bencode, keyBytes } from './index.ts';

const LIMITS = { maxDepth: BENCODE_TORRENT_DEPTH_MAX, maxTokens: BENCODE_TORRENT_TOKENS_MAX };

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function decoded(text: string | Uint8Array): BValue {
  const result = bdecode(typeof text === 'string' ? latin1(text) : text, LIMITS);
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

function dictionary(text: string | Uint8Array): BDict {
  const value = decoded(text);
  if (!(value instanceof BDict)) throw new Error('not a dictionary');
  return value;
}

/** What the encoder takes, rebuilt from what the decoder gave without copying any raw span. */
function rebuilt(value: BValue): BEncodable {
  if (value instanceof BDict) {
    return new Map([...value.keys()].map((key) => [keyBytes(key), rebuilt(value.get(key)!)] as const));
  }
  return Array.isArray(value) ? value.map(rebuilt) : value;
}

function isCanonical(value: BValue): boolean {
  if (Array.isArray(value)) return value.every(isCanonical);
  return (
    !(value instanceof BDict) || (value.isSorted && [...value.keys()].every((key) => isCanonical(value.get(key)!)))
  );
}

const anyValue: fc.Arbitrary<BEncodable> = fc.letrec<{ value: BEncodable }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.uint8Array({ maxLength: 20 }),
    fc.maxSafeInteger(),
    fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc
      .uniqueArray(fc.tuple(fc.uint8Array({ maxLength: 4 }), tie('value')), {
        maxLength: 5,
        selector: ([key]) => bytesToHex(key),
      })
      .map((entries) => new Map(entries)),
  ),
})).value;

test('what is encoded decodes to the same and encodes to the same bytes', () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const bytes = bencode(value);
      expect(bencode(rebuilt(decoded(bytes)))).toEqual(bytes);
    }),
  );
});

test('the encoder writes what the npm encoder writes', () => {
  const value = { spam: ['a', 1, { b: new Uint8Array([0, 255]) }], eggs: -7, ä: 'ö', Z: 0 };
  expect(bencode(value)).toEqual(new Uint8Array(npmBencode.encode(value)));
});

test.each([
  ['i0e', 0],
  ['i-1e', -1],
  ['i2147483647e', 2 ** 31 - 1],
  ['i2147483649e', 2 ** 31 + 1],
  ['i4294967295e', 2 ** 32 - 1],
  ['i4294967297e', 2 ** 32 + 1],
  ['i9007199254740991e', Number.MAX_SAFE_INTEGER],
  ['i9007199254740992e', 2n ** 53n],
  ['i-9007199254740992e', -(2n ** 53n)],
  ['i9007199254740993e', 2n ** 53n + 1n],
  ['i9223372036854775807e', 2n ** 63n - 1n],
  ['i-9223372036854775808e', -(2n ** 63n)],
  ['i18446744073709551616e', 2n ** 64n],
])('integer %s', (text, value) => {
  expect(decoded(text)).toBe(value);
  expect(bencode(value)).toEqual(latin1(text));
});

// T-10: each with the code and the offset of the byte that broke the rule.
test.each([
  ['', 'UNEXPECTED_END', 0],
  ['i', 'UNEXPECTED_END', 1],
  ['i1', 'UNEXPECTED_END', 2],
  ['i-', 'UNEXPECTED_END', 2],
  ['ie', 'INTEGER_INVALID', 1],
  ['i-e', 'INTEGER_INVALID', 2],
  ['i-0e', 'INTEGER_INVALID', 0],
  ['i00e', 'INTEGER_INVALID', 0],
  ['i01e', 'INTEGER_INVALID', 0],
  ['i-01e', 'INTEGER_INVALID', 0],
  ['i+1e', 'INTEGER_INVALID', 1],
  ['i1.5e', 'INTEGER_INVALID', 2],
  ['i1e5e', 'TRAILING_BYTES', 3],
  ['i 1e', 'INTEGER_INVALID', 1],
  ['i--1e', 'INTEGER_INVALID', 2],
  ['ixe', 'INTEGER_INVALID', 1],
  ['1', 'UNEXPECTED_END', 1],
  ['1:', 'LENGTH_TOO_LARGE', 0],
  ['2:a', 'LENGTH_TOO_LARGE', 0],
  ['4294967296:a', 'LENGTH_TOO_LARGE', 0],
  ['99999999999999999999:a', 'LENGTH_TOO_LARGE', 0],
  ['-1:a', 'UNEXPECTED_BYTE', 0],
  ['+1:a', 'UNEXPECTED_BYTE', 0],
  ['01:a', 'LENGTH_INVALID', 0],
  ['00:', 'LENGTH_INVALID', 0],
  ['1a:', 'LENGTH_INVALID', 1],
  ['1 :a', 'LENGTH_INVALID', 1],
  ['x', 'UNEXPECTED_BYTE', 0],
  ['e', 'UNEXPECTED_BYTE', 0],
  ['l', 'UNEXPECTED_END', 1],
  ['li1e', 'UNEXPECTED_END', 4],
  ['d', 'UNEXPECTED_END', 1],
  ['d1:a', 'UNEXPECTED_END', 4],
  ['d1:ae', 'UNEXPECTED_BYTE', 4],
  ['di1ei2ee', 'KEY_NOT_STRING', 1],
  ['dlei2ee', 'KEY_NOT_STRING', 1],
  ['ddei2ee', 'KEY_NOT_STRING', 1],
  ['lee', 'TRAILING_BYTES', 2],
])('malformed %j is %s at byte %i', (text, code, offset) => {
  const result = bdecode(latin1(text), LIMITS);
  expect(result).toMatchObject({ ok: false, error: { code, offset } });
});

test('an integer may have as many digits as the limit, and no more', () => {
  for (const sign of ['', '-']) {
    expect(decoded(`i${sign}${'9'.repeat(BENCODE_INTEGER_DIGITS_MAX - 1)}e`)).toBeTypeOf('bigint');
    expect(decoded(`i${sign}${'9'.repeat(BENCODE_INTEGER_DIGITS_MAX)}e`)).toBeTypeOf('bigint');
    const result = bdecode(latin1(`i${sign}${'9'.repeat(BENCODE_INTEGER_DIGITS_MAX + 1)}e`), LIMITS);
    expect(result).toMatchObject({ ok: false, error: { code: 'INTEGER_TOO_LONG', offset: 0 } });
  }
});

test('nesting ends at the limit, without recursion', () => {
  const depth = BENCODE_TORRENT_DEPTH_MAX;
  for (const levels of [depth - 1, depth]) {
    expect(bdecode(latin1('l'.repeat(levels) + 'e'.repeat(levels)), LIMITS).ok).toBe(true);
    expect(bdecode(latin1('d1:a'.repeat(levels - 1) + 'de' + 'e'.repeat(levels - 1)), LIMITS).ok).toBe(true);
  }
  for (const levels of [depth + 1, 1_000_000]) {
    const before = process.memoryUsage();
    const bytes = new Uint8Array(levels * 2).fill(0x6c, 0, levels).fill(0x65, levels);
    expect(bdecode(bytes, LIMITS)).toMatchObject({ ok: false, error: { code: 'DEPTH_EXCEEDED', offset: depth } });
    const after = process.memoryUsage();
    expect(after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed).toBeLessThan(16 * 2 ** 20);
  }
});

test('values are counted up to the limit', () => {
  const count = (elements: number, maxTokens: number): boolean =>
    bdecode(latin1(`l${'0:'.repeat(elements)}e`), { maxDepth: 1, maxTokens }).ok;
  expect(count(97, 100)).toBe(true);
  expect(count(98, 100)).toBe(true);
  expect(count(99, 100)).toBe(false);
});

// T-12. Method: 16 MiB of empty lists in a list, once cut off by the limit and once just below it in a dictionary,
// where nobody asks for it.
test('16 MiB of tiny values are refused quickly, and below the limit cost little', () => {
  const bomb = new Uint8Array(TORRENT_FILE_MAX_BYTES);
  for (let i = 0; i < bomb.length; i += 2) bomb.set([0x6c, 0x65], i);
  bomb[0] = 0x6c;
  bomb[1] = 0x6c;
  const started = process.cpuUsage();
  expect(bdecode(bomb, LIMITS)).toMatchObject({ ok: false, error: { code: 'TOKENS_EXCEEDED' } });

  // d, key, l, e and e are five tokens; the lists take two each.
  const listBytes = (BENCODE_TORRENT_TOKENS_MAX - 5) & ~1;
  const harmless = concatBytes([latin1('d1:al'), bomb.subarray(2, 2 + listBytes), latin1('ee')]);
  const before = process.memoryUsage();
  const value = dictionary(harmless);
  const after = process.memoryUsage();
  expect(value.has('a')).toBe(true);
  const { user, system } = process.cpuUsage(started);
  expect(user + system).toBeLessThan(2_000_000);
  expect(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(128 * 2 ** 20);
});

// T-13, the decoder's part: order and duplicates are reported, and spans are what stood there.
test('dictionaries know their order, their duplicates and their bytes', () => {
  const sorted = dictionary('d1:ai1e1:bd1:xleee');
  expect(sorted.isSorted).toBe(true);
  expect(sorted.duplicateKey).toBeUndefined();
  expect(sorted.rawSpan('b')).toEqual(latin1('d1:xlee'));
  expect(sorted.rawBytes()).toEqual(latin1('d1:ai1e1:bd1:xleee'));
  expect(bencode(sorted)).toEqual(latin1('d1:ai1e1:bd1:xleee'));
  expect([...sorted.keys()]).toEqual(['a', 'b']);

  const unsorted = dictionary('d1:bi1e1:ai2ee');
  expect(unsorted.isSorted).toBe(false);
  expect(unsorted.duplicateKey).toBeUndefined();
  expect(unsorted.getNumber('a')).toBe(2);

  const twice = dictionary('d1:ai1e1:ai2ee');
  expect(twice.isSorted).toBe(false);
  expect(twice.duplicateKey).toBe('a');
  expect(twice.getNumber('a')).toBe(1);
  expect(twice.size).toBe(1);

  // Raw bytes decide, not characters: 0xc3 0xa4 (ä) comes after z.
  expect(dictionary(bencode({ ä: 1, z: 2 })).isSorted).toBe(true);
  expect([...dictionary(bencode({ ä: 1, z: 2 })).keys()]).toEqual(['z', '\xc3\xa4']);
});

test('small and large dictionaries find what stands there first, in any order', () => {
  const anyKeys = fc.array(fc.uint8Array({ maxLength: 3 }), { maxLength: 40 });
  fc.assert(
    fc.property(anyKeys, fc.boolean(), (keys, sorts) => {
      if (sorts) keys.sort(compareBytes);
      const texts = keys.map((key) => String.fromCharCode(...key));
      const model = new Map<string, number>();
      for (const [i, key] of texts.entries()) if (!model.has(key)) model.set(key, i);
      const value = dictionary(`d${texts.map((key, i) => `${key.length}:${key}i${i}e`).join('')}e`);
      for (const key of [...texts, 'zzzz', '']) expect(value.getNumber(key)).toBe(model.get(key));
      expect(value.size).toBe(model.size);
      expect([...value.keys()]).toEqual([...model.keys()]);
      expect(value.duplicateKey === undefined).toBe(model.size === keys.length);
      expect(value.isSorted).toBe(texts.every((key, i) => i === 0 || key > texts[i - 1]!));
    }),
  );
});

test('getters give a value of the right kind or undefined', () => {
  const value = dictionary(
    'd5:bytes2:\xff\xfe4:dictde3:inti5e4:listl1:ae4:text5:hell\xf64:utf82:\xc3\xa43:bigi9007199254740992ee',
  );
  expect(value.getBytes('bytes')).toEqual(Uint8Array.of(0xff, 0xfe));
  expect(value.getString('bytes')).toBeUndefined();
  expect(value.getString('utf8')).toBe('ä');
  expect(value.getString('text')).toBeUndefined();
  expect(value.getNumber('int')).toBe(5);
  expect(value.getNumber('big')).toBeUndefined();
  expect(value.get('big')).toBe(2n ** 53n);
  expect(value.getNumber('text')).toBeUndefined();
  expect(value.getList('list')).toEqual([latin1('a')]);
  expect([...value.iterateList('list', 0)!]).toEqual([latin1('a')]);
  expect(value.getStrings('list', 5)).toEqual([latin1('a')]);
  expect(dictionary('d1:al1:b0:2:cdee').getStrings('a', 9)).toEqual([latin1('b'), latin1(''), latin1('cd')]);
  expect(dictionary('d1:al1:b0:2:cdee').getStrings('a', 2)).toHaveLength(2);
  for (const odd of ['i1e', 'le', 'de']) expect(dictionary(`d1:al1:b${odd}ee`).getStrings('a', 9)).toBeUndefined();
  expect(dictionary('d1:a1:be').getStrings('a', 9)).toBeUndefined();
  expect([...dictionary('d1:alli1ei2ei3eelli4ei5ei6eei7eeee').iterateList('a', 2)!]).toEqual([
    [1, 2],
    [[4, 5], 7],
  ]);
  expect(value.getList('dict')).toBeUndefined();
  expect(value.getDict('dict')).toBeInstanceOf(BDict);
  expect(value.getDict('list')).toBeUndefined();
  for (const kind of ['dict', 'int', 'list', 'missing']) expect(value.getBytes(kind)).toBeUndefined();
  expect(value.get('missing')).toBeUndefined();
  expect(value.rawSpan('missing')).toBeUndefined();
});

// T-14
test('only white space may follow, and only when allowed', () => {
  const allowTrailingWhitespace = { ...LIMITS, allowTrailingWhitespace: true };
  expect(bdecode(latin1('i1e\n'), LIMITS)).toMatchObject({ ok: false, error: { code: 'TRAILING_BYTES', offset: 3 } });
  expect(bdecode(latin1('i1e \t\r\n'), allowTrailingWhitespace)).toMatchObject({ ok: true, value: 1, endOffset: 3 });
  expect(bdecode(latin1('i1e \0'), allowTrailingWhitespace)).toMatchObject({
    ok: false,
    error: { code: 'TRAILING_BYTES', offset: 4 },
  });
  expect(bdecode(latin1('dei1e'), { ...LIMITS, allowTrailingBytes: true })).toMatchObject({ ok: true, endOffset: 2 });
});

// T-16
test('keys named like properties of objects are keys like others', () => {
  const value = dictionary('d9:__proto__d8:pollutedi1ee11:constructori2e8:toStringi3ee');
  expect(value.getDict('__proto__')?.getNumber('polluted')).toBe(1);
  expect(value.getNumber('constructor')).toBe(2);
  expect(value.getNumber('toString')).toBe(3);
  expect(value.has('valueOf')).toBe(false);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test('a key may be as long as the input', () => {
  const key = 'k'.repeat(100_000);
  expect(dictionary(`d${key.length}:${key}i1ee`).getNumber(key)).toBe(1);
});

test('no beginning of a value decodes', () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const bytes = bencode(value);
      for (let end = 0; end < bytes.length; end++) expect(bdecode(bytes.subarray(0, end), LIMITS).ok).toBe(false);
    }),
  );
});

test('random bytes never throw, and what decodes in canonical order encodes to itself', () => {
  const fragment = fc.constantFrom(
    'i1e',
    'i-20e',
    'l',
    'd',
    'e',
    '0:',
    '1:a',
    '1:b',
    '2:ab',
    'i0',
    '-',
    '1',
    ':',
    '\xff',
  );
  const anyBytes = fc.oneof(
    fc.uint8Array(),
    fc.array(fragment).map((fragments) => latin1(fragments.join(''))),
  );
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      const result = bdecode(bytes, LIMITS);
      if (!result.ok) expect(result.error.offset).toBeLessThanOrEqual(bytes.length);
      else if (isCanonical(result.value)) expect(bencode(rebuilt(result.value))).toEqual(bytes);
    }),
    { numRuns: 1_000 },
  );
});

test('verbatim bytes and undefined properties', () => {
  expect(bencode({ a: new Bencoded(latin1('i7e')), b: undefined })).toEqual(latin1('d1:ai7ee'));
  expect(() => bencode({ a: 0.5 })).toThrow();
  expect(() =>
    bencode(
      new Map<string | Uint8Array, number>([
        ['a', 1],
        [encodeUtf8('a'), 2],
      ]),
    ),
  ).toThrow();
});
