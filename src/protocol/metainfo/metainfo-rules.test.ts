// Goal: every rule for torrents is enforced, with a sentence that names it. Method: small torrents built by hand, each
// breaking one rule; and each limit just below, at and above.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { bytesToHex, concatBytes, encodeUtf8 } from '../../base/bytes.ts';
import { type BEncodable, Bencoded, bencode } from '../bencode/index.ts';
import {
  DIRECTORY_DEPTH_MAX,
  PIECE_LENGTH_MAX_BYTES,
  PIECES_MAX,
  TORRENT_FILE_MAX_BYTES,
  TORRENT_NODES_MAX,
  TORRENT_SIZE_MAX_BYTES,
  TRACKER_TIERS_MAX,
  TRACKERS_PER_TIER_MAX,
  URL_MAX_BYTES,
  WEB_SEEDS_MAX,
} from '../limits.ts';
import { acceptUrl, decodeInfoDictionary, decodeMetainfo, type Metainfo, TRACKER_SCHEMES } from './index.ts';
import { sampleTorrent } from './testing/sample-torrent.ts';

const crypto = {
  sha1: (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha1').update(bytes).digest()),
  sha256: (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest()),
};
const KIB = 1024;
type Fields = { readonly [key: string]: BEncodable | undefined };

const V1: Fields = { name: 'n', 'piece length': 16 * KIB, length: 20_000, pieces: new Uint8Array(40) };
const ROOT = new Uint8Array(32).fill(7);
const V2: Fields = {
  name: 'n',
  'piece length': 16 * KIB,
  'meta version': 2,
  'file tree': { n: { '': { length: 10, 'pieces root': ROOT } } },
};
const HYBRID: Fields = { ...V2, length: 10, pieces: new Uint8Array(20) };

function torrent(info: Fields | Bencoded, around: Fields = {}): Uint8Array {
  return bencode({ ...around, info });
}

function problemOf(bytes: Uint8Array): string | undefined {
  const parsed = decodeMetainfo(bytes, crypto);
  if (parsed.ok) return undefined;
  expect(parsed.problem.code).toBe('METAINFO_INVALID');
  expect(parsed.problem.message).toMatch(/^[A-Z].*[^.]\.$/);
  return parsed.problem.message;
}

function valid(bytes: Uint8Array): Metainfo {
  const parsed = decodeMetainfo(bytes, crypto);
  if (!parsed.ok) throw new Error(parsed.problem.message);
  return parsed.value;
}

function text(ascii: string): Bencoded {
  return new Bencoded(encodeUtf8(ascii));
}

test('the base of each form is valid', () => {
  for (const info of [V1, V2, HYBRID]) expect(problemOf(torrent(info))).toBeUndefined();
});

test.each<[string, Fields | Bencoded, RegExp]>([
  // T-17
  ['too few hashes', { ...V1, pieces: new Uint8Array(20) }, /1 piece hashes, but its 20000 bytes make 2 pieces/],
  ['too many hashes', { ...V1, pieces: new Uint8Array(60) }, /3 piece hashes/],
  ['half a hash', { ...V1, pieces: new Uint8Array(39) }, /no multiple of 20/],
  ['no hashes', { ...V1, pieces: undefined }, /piece hashes are missing/],
  ['hashes as list', { ...V1, pieces: [] }, /piece hashes are missing/],
  ['zero piece length', { ...V1, 'piece length': 0 }, /piece length 0 is not between/],
  ['negative piece length', { ...V1, 'piece length': -1 }, /piece length -1 is not between/],
  ['huge piece length', { ...V1, 'piece length': 2 ** 40, pieces: new Uint8Array(20) }, /piece length 1099511627776/],
  ['vast piece length', { ...V1, 'piece length': 2n ** 63n }, /piece length is missing/],
  ['no piece length', { ...V1, 'piece length': undefined }, /piece length is missing/],
  ['huge file, one hash', { ...V1, length: TORRENT_SIZE_MAX_BYTES, pieces: new Uint8Array(20) }, /more than 2097152/],
  ['negative length', { ...V1, length: -1 }, /length of the file is negative/],
  ['text for length', { ...V1, length: '5' }, /length of the file is missing or not a number/],
  ['neither length nor files', { ...V1, length: undefined }, /neither a length nor a file list/],
  ['both length and files', { ...V1, files: [{ length: 1, path: ['a'] }] }, /both a length and a file list/],
  ['no name', { ...V1, name: undefined }, /name is missing/],
  ['no files', { ...V1, length: undefined, files: [], pieces: '' }, /file list is empty/],
  ['files not a list', { ...V1, length: undefined, files: {} }, /file list is not a list/],
  ['file not a dictionary', { ...V1, length: undefined, files: [1] }, /file 1 of the file list is not a dictionary/],
  ['file without path', { ...V1, length: undefined, files: [{ length: 20_000 }] }, /path of file 1/],
  ['file with empty path', { ...V1, length: undefined, files: [{ length: 20_000, path: [] }] }, /path of file 1/],
  ['path of numbers', { ...V1, length: undefined, files: [{ length: 20_000, path: [1] }] }, /path of file 1/],
  ['link with length', { ...V1, attr: 'l', 'symlink path': ['a'] }, /symbolic link/],
  ['link without target', { ...V1, attr: 'l' }, /link target of the file/],
  // T-13
  ['duplicate pieces', text(`d6:lengthi1e4:name1:n12:piece lengthi1e6:pieces0:6:pieces0:e`), /has a key twice/],
  [
    'duplicate key in a file',
    text(`d5:filesld6:lengthi1e6:lengthi1eee4:name1:n12:piece lengthi1e6:pieces0:e`),
    /file 1 of the file list has a key twice/,
  ],
  ['unsorted v2', text(`d4:name1:n12:meta versioni2e9:file treede12:piece lengthi16384ee`), /keys out of order/],
  // BEP 52
  ['later version', { ...V2, 'meta version': 3 }, /meta version other than 2/],
  ['version 1', { ...V2, 'meta version': 1 }, /meta version other than 2/],
  ['file tree without version', { ...V2, 'meta version': undefined }, /file tree but no meta version/],
  ['piece length no power of two', { ...V2, 'piece length': 48 * KIB }, /no power of two/],
  ['piece length below 16 KiB', { ...V2, 'piece length': 8 * KIB }, /no power of two/],
  ['no file tree', { ...V2, 'file tree': undefined }, /file tree is missing/],
  ['empty file tree', { ...V2, 'file tree': {} }, /file tree is empty/],
  ['empty folders', { ...V2, 'file tree': { a: {}, b: {} } }, /file tree is empty/],
  ['tree is a file', { ...V2, 'file tree': { '': { length: 0 } } }, /entry without a name/],
  ['file and folder', { ...V2, 'file tree': { a: { '': { length: 0 }, b: {} } } }, /a file and a folder at once/],
  ['entry not a dictionary', { ...V2, 'file tree': { a: 1 } }, /file 1 of the file tree is not a dictionary/],
  ['properties not a dictionary', { ...V2, 'file tree': { a: { '': 1 } } }, /properties of file 1/],
  ['no length', { ...V2, 'file tree': { a: { '': {} } } }, /length of file 1/],
  ['no root', { ...V2, 'file tree': { a: { '': { length: 1 } } } }, /pieces root of file 1/],
  ['short root', { ...V2, 'file tree': { a: { '': { length: 1, 'pieces root': ROOT.slice(1) } } } }, /pieces root of/],
  ['zero root', { ...V2, 'file tree': { a: { '': { length: 1, 'pieces root': new Uint8Array(32) } } } }, /all zeros/],
  ['pad in the tree', { ...V2, 'file tree': { a: { '': { attr: 'p', length: 1, 'pieces root': ROOT } } } }, /pad file/],
  [
    'unsorted tree',
    text(`d9:file treed1:bd0:d6:lengthi0eee1:ad0:d6:lengthi0eeee12:meta versioni2e4:name1:n12:piece lengthi16384ee`),
    /names out of order/,
  ],
  [
    'duplicate name in the tree',
    text(`d9:file treed1:ad0:d6:lengthi0eee1:ad0:d6:lengthi0eeee12:meta versioni2e4:name1:n12:piece lengthi16384ee`),
    /a name twice/,
  ],
  // Hybrids that disagree.
  ['another length', { ...HYBRID, length: 11 }, /length of file 1 of the file tree differs/],
  ['another name', { ...HYBRID, name: 'm' }, /name of file 1 of the file tree differs/],
  [
    'fewer files in the list',
    { ...HYBRID, 'file tree': { n: { '': { length: 10, 'pieces root': ROOT } }, o: { '': { length: 0 } } } },
    /file tree has more files/,
  ],
  [
    'more files in the list',
    { ...HYBRID, length: undefined, files: ['n', 'o'].map((name, i) => ({ length: 10 - 10 * i, path: [name] })) },
    /file list has more files/,
  ],
  [
    'links to different targets',
    {
      ...HYBRID,
      length: undefined,
      files: [{ attr: 'l', length: 0, path: ['n'], 'symlink path': ['a'] }],
      pieces: '',
      'file tree': { n: { '': { attr: 'l', length: 0, 'symlink path': ['b'] } } },
    },
    /link target of file 1/,
  ],
])('%s', (_, info, sentence) => {
  expect(problemOf(torrent(info))).toMatch(sentence);
});

test('hybrids must align files with pads exactly', () => {
  const tree = {
    a: { '': { length: 10, 'pieces root': ROOT } },
    b: { '': { length: 10, 'pieces root': ROOT } },
  };
  const hybrid = (...pads: number[]): Fields => ({
    ...HYBRID,
    length: undefined,
    'file tree': tree,
    files: [
      { length: 10, path: ['a'] },
      ...pads.map((length) => ({ attr: 'p', length, path: ['.pad', String(length)] })),
      { length: 10, path: ['b'] },
    ],
    pieces: new Uint8Array(40),
  });
  expect(valid(torrent(hybrid(16 * KIB - 10))).info.files.map((file) => file.offsetBytes)).toEqual([0, 10, 16 * KIB]);
  expect(valid(torrent(hybrid(6 * KIB, 10 * KIB - 10))).info.pieceCount).toBe(2);
  expect(problemOf(torrent({ ...hybrid(), pieces: new Uint8Array(20) }))).toMatch(/place of file 2/);
  expect(problemOf(torrent(hybrid(16 * KIB - 11)))).toMatch(/place of file 2/);
  expect(problemOf(torrent({ ...hybrid(32 * KIB - 10), pieces: new Uint8Array(60) }))).toMatch(/place of file 2/);
  // A pad behind the last file is allowed within its last piece, and pads without a path are.
  const tail = (length: number): Fields => ({
    ...hybrid(),
    'file tree': { a: tree.a },
    files: [
      { length: 10, path: ['a'] },
      { attr: 'p', length },
    ],
  });
  expect(problemOf(torrent({ ...tail(16 * KIB - 10), pieces: new Uint8Array(20) }))).toBeUndefined();
  expect(problemOf(torrent(tail(16 * KIB)))).toMatch(/file list makes 2 pieces and the file tree 1/);
});

test('T-18: piece layers must be there, of the right size, right and known', () => {
  const { infoBytes } = sampleTorrent(
    {
      format: 'v2',
      name: 'n',
      isMultiFile: false,
      pieceLengthBytes: 16 * KIB,
      files: [{ path: ['n'], bytes: new Uint8Array(40_000).fill(5) }],
    },
    crypto,
  );
  const info = decodeInfoDictionary(infoBytes, crypto);
  const root = info.ok ? info.value.files[0]!.piecesRoot! : new Uint8Array(0);
  const leaf = (length: number): Uint8Array => crypto.sha256(new Uint8Array(length).fill(5));
  const layer = concatBytes([leaf(16 * KIB), leaf(16 * KIB), leaf(40_000 - 32 * KIB)]);
  const layered = (layers: BEncodable | undefined): Uint8Array =>
    torrent(new Bencoded(infoBytes), { 'piece layers': layers });

  expect(problemOf(layered(new Map([[root, layer]])))).toBeUndefined();
  expect(problemOf(layered(undefined))).toMatch(/piece layer of file 1 of the file tree is missing/);
  expect(problemOf(layered(new Map()))).toMatch(/is missing/);
  expect(problemOf(layered('x'))).toMatch(/not a dictionary/);
  expect(problemOf(layered(new Map([[root, layer.slice(32)]])))).toMatch(/has 64 bytes instead of 96/);
  expect(problemOf(layered(new Map([[root, concatBytes([layer, layer])]])))).toMatch(/has 192 bytes instead of 96/);
  expect(problemOf(layered(new Map([[root, layer.map((byte, i) => (i === 95 ? byte ^ 1 : byte))]])))).toMatch(
    /does not match its pieces root/,
  );
  const unknown = new Map([
    [root, layer],
    [ROOT, layer],
  ]);
  expect(problemOf(layered(unknown))).toMatch(/a root that no file has/);
});

test('identical files share a layer, which is checked once', () => {
  const bytes = new Uint8Array(40_000).fill(5);
  const names = Array.from({ length: 50 }, (_, i) => `f${String(i).padStart(3, '0')}`);
  const { torrentBytes } = sampleTorrent(
    {
      format: 'v2',
      name: 'n',
      isMultiFile: true,
      pieceLengthBytes: 16 * KIB,
      files: names.map((name) => ({ path: [name], bytes })),
    },
    crypto,
  );
  let hashCount = 0;
  const counting = {
    ...crypto,
    sha256: (input: Uint8Array): Uint8Array => {
      hashCount++;
      return crypto.sha256(input);
    },
  };
  const parsed = decodeMetainfo(torrentBytes, counting);
  expect(parsed.ok && new Set(parsed.value.info.files.map((file) => file.pieceLayer)).size).toBe(1);
  expect(hashCount).toBeLessThan(10);
});

test('T-13: a v1 dictionary out of order keeps the hash of its own bytes', () => {
  const unsorted = encodeUtf8(`d6:pieces0:12:piece lengthi16384e6:lengthi0e4:name1:ne`);
  const { info } = valid(torrent(new Bencoded(unsorted)));
  expect(info.infoHash).toEqual(crypto.sha1(unsorted));
  expect(info.pieceCount).toBe(0);
});

test('T-14: white space may follow a torrent, nothing else, and the hash does not change', () => {
  const bytes = torrent(V1);
  const { infoHash } = valid(bytes).info;
  expect(valid(concatBytes([bytes, encodeUtf8('\r\n\n ')])).info.infoHash).toEqual(infoHash);
  for (const tail of ['\0', 'x', 'de']) {
    expect(problemOf(concatBytes([bytes, encodeUtf8(tail)]))).toMatch(/something follows/);
  }
});

test('files that are no torrents say so', () => {
  expect(problemOf(new Uint8Array(0))).toMatch(/empty/);
  expect(problemOf(encodeUtf8('<html>'))).toMatch(/not a torrent/);
  expect(problemOf(encodeUtf8('le'))).toMatch(/not a torrent/);
  expect(problemOf(encodeUtf8('de'))).toMatch(/no info dictionary/);
  expect(problemOf(encodeUtf8('d4:info1:ae'))).toMatch(/info dictionary is not a dictionary/);
  expect(problemOf(encodeUtf8('d4:infode4:infodee'))).toMatch(/a key twice/);
  expect(problemOf(encodeUtf8('d4:infod4:namei01eee'))).toMatch(/not well-formed: the integer at byte 14/);
});

test('limits of size, depth and count', () => {
  const padding = (length: number): Uint8Array => concatBytes([torrent(V1), new Uint8Array(length).fill(0x0a)]);
  const rest = TORRENT_FILE_MAX_BYTES - torrent(V1).length;
  for (const length of [rest - 1, rest]) expect(problemOf(padding(length))).toBeUndefined();
  expect(problemOf(padding(rest + 1))).toMatch(/larger than 16777216 bytes/);

  const deep = (depth: number): string | undefined => {
    const path = Array.from({ length: depth }, () => 'a');
    return problemOf(torrent({ ...V1, length: undefined, files: [{ length: 20_000, path }] }));
  };
  expect(deep(DIRECTORY_DEPTH_MAX - 1)).toBeUndefined();
  expect(deep(DIRECTORY_DEPTH_MAX)).toBeUndefined();
  for (const depth of [DIRECTORY_DEPTH_MAX + 1, DIRECTORY_DEPTH_MAX + 2, 5_000]) {
    expect(deep(depth)).toMatch(/more than 100 folders deep/);
  }

  const pieceLength = (length: number): string | undefined =>
    problemOf(torrent({ ...V1, 'piece length': length, pieces: new Uint8Array(20) }));
  for (const length of [PIECE_LENGTH_MAX_BYTES - 1, PIECE_LENGTH_MAX_BYTES])
    expect(pieceLength(length)).toBeUndefined();
  expect(pieceLength(PIECE_LENGTH_MAX_BYTES + 1)).toMatch(/not between/);

  const pieces = (count: number): boolean => {
    const length = count * 16 * KIB;
    const tree = { n: { '': { length, 'pieces root': ROOT } } };
    return decodeInfoDictionary(bencode({ ...V2, 'file tree': tree }), crypto).ok;
  };
  expect([PIECES_MAX - 1, PIECES_MAX, PIECES_MAX + 1].map(pieces)).toEqual([true, true, false]);

  const sizes = (...lengths: number[]): string | undefined => {
    const files = lengths.map((length, i) => [String(i), { '': { length, 'pieces root': ROOT } }] as const);
    const info = { ...V2, 'piece length': PIECE_LENGTH_MAX_BYTES, 'file tree': new Map(files) };
    const parsed = decodeInfoDictionary(bencode(info), crypto);
    return parsed.ok ? undefined : parsed.problem.message;
  };
  expect(sizes(TORRENT_SIZE_MAX_BYTES - 1)).toBeUndefined();
  expect(sizes(TORRENT_SIZE_MAX_BYTES)).toBeUndefined();
  expect(sizes(TORRENT_SIZE_MAX_BYTES + 1)).toMatch(/above 281474976710655 bytes/);
  expect(sizes(TORRENT_SIZE_MAX_BYTES, 1)).toMatch(/larger than 281474976710655 bytes together/);
});

test('limits of what stands around the info dictionary', () => {
  const urls = (count: number, scheme = 'udp'): string[] =>
    Array.from({ length: count }, (_, i) => `${scheme}://t${i}.example:80/`);
  const tierSize = (count: number): number =>
    valid(torrent(V1, { 'announce-list': [urls(count)] })).trackers[0]!.length;
  expect([-1, 0, 1].map((delta) => tierSize(TRACKERS_PER_TIER_MAX + delta) - TRACKERS_PER_TIER_MAX)).toEqual([
    -1, 0, 0,
  ]);
  const tiers = (count: number): number =>
    valid(torrent(V1, { 'announce-list': urls(count).map((url) => [url]) })).trackers.length;
  expect([-1, 0, 1].map((delta) => tiers(TRACKER_TIERS_MAX + delta) - TRACKER_TIERS_MAX)).toEqual([-1, 0, 0]);
  for (const [key, field] of [
    ['url-list', 'webSeeds'],
    ['httpseeds', 'httpSeeds'],
  ] as const) {
    const seeds = (count: number): number => valid(torrent(V1, { [key]: urls(count, 'http') }))[field].length;
    expect([-1, 0, 1].map((delta) => seeds(WEB_SEEDS_MAX + delta) - WEB_SEEDS_MAX)).toEqual([-1, 0, 0]);
  }
  const nodes = (count: number): number =>
    valid(torrent(V1, { nodes: Array.from({ length: count }, (_, i) => ['h', i + 1]) })).nodes.length;
  expect([-1, 0, 1].map((delta) => nodes(TORRENT_NODES_MAX + delta) - TORRENT_NODES_MAX)).toEqual([-1, 0, 0]);
});

// T-26
test('only URLs of known schemes and of bounded length are kept', () => {
  for (const url of [
    'javascript:alert(1)',
    'file:///etc/passwd',
    'ftp://h/x',
    'data:text/plain,x',
    'http://',
    'http:///x',
    'http:/h/x',
    '//h/x',
    'h:80',
    '',
    'http://h/\u0000',
    'http://h/\u001b[31m',
    'http://h\u0430.example/',
    'http://h:99999/',
    'udp://h x:80/',
    'udp://:80/',
    `http://h/${'x'.repeat(1_000_000)}`,
  ]) {
    expect(acceptUrl(url, TRACKER_SCHEMES), url.slice(0, 80)).toBeUndefined();
  }
  for (const url of [
    'http://h/announce?passkey=a%20B',
    'HTTPS://User:pw@H.example:8080/A',
    'udp://[2001:db8::1]:6969',
    'ws://h',
    'wss://h/x?y#z',
  ]) {
    expect(acceptUrl(url, TRACKER_SCHEMES)).toBe(url);
  }
  expect(acceptUrl(' http://h/a b/ü\n', TRACKER_SCHEMES)).toBe('http://h/a%20b/%C3%BC');
  const long = (length: number): string => `http://h/${'x'.repeat(length - 9)}`;
  expect([-1, 0, 1].map((delta) => acceptUrl(long(URL_MAX_BYTES + delta), TRACKER_SCHEMES)?.length)).toEqual([
    URL_MAX_BYTES - 1,
    URL_MAX_BYTES,
    undefined,
  ]);

  const metainfo = valid(
    torrent(V1, {
      announce: 'http://unused.example/',
      'announce-list': [['javascript:alert(1)'], 'udp://flat.example:1', ['udp://a.example:1', 'udp://a.example:1', 5]],
      'url-list': 'http://one.example/',
      httpseeds: ['udp://no.example', 'file:///x', 'https://yes.example/', 3, ['x']],
      nodes: [['h', 1], ['::1', 2], ['h', 0], ['h', 65_536], ['h h', 1], ['h'], 7],
      'creation date': -5,
    }),
  );
  expect(metainfo).toMatchObject({
    trackers: [['udp://flat.example:1'], ['udp://a.example:1']],
    webSeeds: ['http://one.example/'],
    httpSeeds: ['https://yes.example/'],
    nodes: ['h:1', '[::1]:2'],
    creationDate: undefined,
  });
  expect(valid(torrent(V1, { announce: 'udp://a.example:1', 'announce-list': [[]] })).trackers).toEqual([
    ['udp://a.example:1'],
  ]);
});

test('names: the UTF-8 variants come first, other bytes are replaced', () => {
  const latin1 = Uint8Array.of(0x66, 0xfc);
  const { info } = valid(
    torrent({
      ...V1,
      length: undefined,
      name: latin1,
      'name.utf-8': 'fü',
      files: [
        { length: 20_000, path: [latin1], 'path.utf-8': ['fü'] },
        { length: 0, path: [latin1] },
        { length: 0, path: ['b'], 'path.utf-8': [latin1] },
        { length: 0, path: ['..', '', 'x/y'] },
      ],
    }),
  );
  expect(info.name).toBe('fü');
  expect(info.files.map((file) => file.path)).toEqual([['fü'], ['f\ufffd'], ['b'], ['..', '', 'x/y']]);
});

test('BEP 47 attributes, links and the pads of old clients', () => {
  const { info } = valid(
    torrent({
      ...V1,
      length: undefined,
      files: [
        { attr: 'xh?', length: 10_000, path: ['a'] },
        { attr: 'l', path: ['b'], 'symlink path': ['d', 'a'] },
        { length: 6_000, path: ['_____padding_file_0_for_BitComet'] },
        { attr: 'p', length: 4_000 },
      ],
    }),
  );
  expect(info.files).toMatchObject([
    { executable: true, hidden: true, pad: false, symlink: undefined },
    { lengthBytes: 0, symlink: ['d', 'a'] },
    { pad: true },
    { pad: true, path: [] },
  ]);
  expect(info.contentBytes).toBe(10_000);
  expect(info.spaceBytes).toBe(20_000);
});

test('a folder of one file stays a folder where v1 or the name says so', () => {
  const info = { ...HYBRID, length: undefined, files: [{ length: 10, path: ['n'] }] };
  expect(valid(torrent(info)).info.isMultiFile).toBe(true);
  expect(valid(torrent(HYBRID)).info.isMultiFile).toBe(false);
  expect(valid(torrent(V2)).info.isMultiFile).toBe(false);
  expect(valid(torrent({ ...V2, name: 'folder' })).info.isMultiFile).toBe(true);
});

test('the private flag is any number but zero', () => {
  const flags = [0, 1, 2].map((flag) => valid(torrent({ ...V1, private: flag })).info.private);
  expect(flags).toEqual([false, true, true]);
  expect(bytesToHex(valid(torrent(V1)).info.infoHash!)).toHaveLength(40);
});

test('lists of millions of tiny values in every field cost little', () => {
  const bomb = new Bencoded(concatBytes([encodeUtf8('l'), encodeUtf8('0:'.repeat(400_000)), encodeUtf8('e')]));
  const fields = { 'announce-list': [bomb], 'url-list': [bomb], httpseeds: bomb, nodes: [bomb] };
  const before = process.memoryUsage();
  expect(problemOf(torrent({ ...V1, length: undefined, files: [bomb] }, fields))).toMatch(/file 1 of the file list/);
  expect(problemOf(torrent(V1, fields))).toBeUndefined();
  const after = process.memoryUsage();
  expect(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(96 * 2 ** 20);
});
