// Goal: each reason of a torrent with its sentence and numbers, and their rank. Method: snapshots that are fine, changed
// in what makes the reason.
import { describe, expect, test } from 'vitest';
import { diagnoseTorrent } from './torrent-diagnosis.ts';
import type {
  ConnectionFacts,
  DhtFacts,
  DownloadFacts,
  SourceFacts,
  TorrentSnapshot,
  TrackerFacts,
  UploadFacts,
} from './torrent-snapshot.ts';

const NO_FAILURES: ConnectionFacts['failures'] = { refused: 0, 'timed-out': 0, unreachable: 0, ended: 0 };
const CONNECTIONS: ConnectionFacts = {
  knownCount: 4,
  dialingCount: 0,
  dueCount: 0,
  nextInMs: Number.POSITIVE_INFINITY,
  failures: NO_FAILURES,
  handshakingCount: 0,
  fullLimit: undefined,
  connectionsMax: 100,
};
const NOBODY: ConnectionFacts = { ...CONNECTIONS, knownCount: 0 };
const NO_LIMITS = {
  limitedBy: undefined,
  sessionBytesPerSecond: Number.POSITIVE_INFINITY,
  torrentBytesPerSecond: Number.POSITIVE_INFINITY,
};
const DOWNLOAD: DownloadFacts = {
  ...NO_LIMITS,
  missingPieceCount: 30,
  unavailablePieceCount: 0,
  hashingPieceCount: 1,
  isDiskBehind: false,
  unwrittenBytes: 0,
  hasNoMemory: false,
};
const UPLOAD: UploadFacts = { ...NO_LIMITS, slotCount: 8, hasNoMemory: false };
const SOURCES: SourceFacts = {
  trackers: [{ state: 'answered', peerCount: 4, message: undefined }],
  usesTrackers: true,
  namedPeerCount: 0,
  unresolvedPeerCount: 0,
  dht: { state: 'off', answerCount: 0, peerCount: 0 },
  usesLocalDiscovery: false,
};
const DOWNLOADING: TorrentSnapshot = {
  state: 'downloading',
  error: undefined,
  pieceCount: 40,
  checkedPieceCount: 40,
  havePieceCount: 10,
  isNothingWanted: false,
  peerCount: 4,
  peers: { giving: 3, 'not-interesting': 1 },
  interestedInUsCount: 2,
  connections: CONNECTIONS,
  sources: SOURCES,
  download: DOWNLOAD,
  upload: UPLOAD,
};
const ALONE: TorrentSnapshot = { ...DOWNLOADING, peerCount: 0, peers: {}, connections: NOBODY, upload: undefined };
const SEEDING: TorrentSnapshot = {
  ...DOWNLOADING,
  state: 'seeding',
  peers: { taking: 2, 'not-interested': 2 },
  download: { ...DOWNLOAD, missingPieceCount: 0, hashingPieceCount: 0 },
};

function tracker(state: TrackerFacts['state'], peerCount = 0, message?: string): TrackerFacts {
  return { state, peerCount, message };
}

function dht(state: DhtFacts['state'], answerCount = 0): DhtFacts {
  return { state, answerCount, peerCount: 0 };
}

function sources(...trackers: TrackerFacts[]): SourceFacts {
  return { ...SOURCES, trackers };
}

/** Code, effect and sentence of the main reason, then the codes of the further ones. */
function say(snapshot: TorrentSnapshot): string[] {
  const { code, effect, message, further } = diagnoseTorrent(snapshot);
  return [code, effect, message, ...further.map((reason) => reason.code)];
}

describe('a state that says it all', () => {
  test('stopped, failed, checking', () => {
    expect(say({ ...DOWNLOADING, state: 'stopped' })).toEqual(['stopped', 'waiting', 'It is stopped.']);
    const error = { code: 'DISK_FULL', message: 'No space is left.' };
    const failed = diagnoseTorrent({ ...DOWNLOADING, state: 'failed', error });
    expect(failed).toMatchObject({ code: 'failed', details: { error: 'DISK_FULL' } });
    expect(failed.message).toBe('It has failed: No space is left.');
    expect(say({ ...DOWNLOADING, state: 'checking', checkedPieceCount: 12 })).toEqual([
      'checking',
      'waiting',
      'What is on disk is being checked: 12 of 40 pieces.',
    ]);
  });

  test('the metadata is waited for: of those who are asked, or for want of anyone to ask', () => {
    const fetching: TorrentSnapshot = { ...ALONE, state: 'fetching-metadata', peerCount: 2, download: undefined };
    expect(say(fetching)).toEqual([
      'waiting-for-metadata',
      'waiting',
      'The metadata has not come; 2 peers are asked for it.',
    ]);
    expect(say({ ...fetching, peerCount: 0, sources: sources(tracker('asking')) })).toEqual([
      'finding-peers',
      'waiting',
      'Peers are being looked for; 1 tracker asked: not answered yet.',
      'waiting-for-metadata',
    ]);
  });
});

describe('nobody is connected', () => {
  test.each<[string, Partial<SourceFacts>, string]>([
    [
      'no-sources',
      { trackers: [] },
      'It has no tracker, the DHT is switched off and no peer was named: add a tracker or a peer.',
    ],
    [
      'no-sources',
      { usesTrackers: false, dht: dht('private') },
      'Its trackers are switched off, it is private and may not use the DHT and no peer was named: add a tracker or a peer.',
    ],
    [
      'no-sources',
      { trackers: [], usesLocalDiscovery: true },
      'It has no tracker, the DHT is switched off and no peer was named: add a tracker or a peer; only the local network is asked.',
    ],
    ['finding-peers', { trackers: [], dht: dht('asking') }, 'Peers are being looked for; the DHT is being asked.'],
    ['no-peers', { trackers: [], dht: dht('silent') }, 'No peer is known; no node of the DHT has answered.'],
    [
      'no-peers',
      { trackers: [tracker('failed')], dht: dht('answered', 12), usesLocalDiscovery: true },
      'No peer is known; 1 tracker asked: failed; 12 nodes of the DHT named no peer; no neighbour on the local network has answered.',
    ],
    [
      'finding-peers',
      { trackers: [tracker('asking'), tracker('failed', 0, 'timed out')] },
      'Peers are being looked for; 2 trackers asked: 1 not answered yet and 1 failed (timed out).',
    ],
    ['finding-peers', { trackers: [], namedPeerCount: 1 }, 'Peers are being looked for.'],
    [
      'no-peers',
      { trackers: [tracker('answered'), tracker('failed', 0, 'timed out'), tracker('failed', 0, 'timed out')] },
      'No peer is known; 3 trackers asked: 1 answered with no peers and 2 failed (timed out).',
    ],
    [
      'no-peers',
      { trackers: [tracker('failed', 0, 'No.'), tracker('failed', 0, 'gone'), tracker('failed', 0, 'gone')] },
      'No peer is known; 3 trackers asked: 3 failed (mostly: gone).',
    ],
    [
      'no-peers',
      { trackers: [tracker('answered', 2), tracker('spare')] },
      'No peer is known; 1 tracker asked: answered with 2 peers.',
    ],
    [
      'no-peers',
      { trackers: [], namedPeerCount: 1, unresolvedPeerCount: 1 },
      'No peer is known; 1 named peer has no address.',
    ],
    ['no-peers', { trackers: [tracker('failed')] }, 'No peer is known; 1 tracker asked: failed.'],
  ])('%s: %o', (code, changes, message) => {
    expect(say({ ...ALONE, sources: { ...SOURCES, ...changes } })).toEqual([code, 'waiting', message]);
  });

  test('the words of a tracker are cut', () => {
    const words = diagnoseTorrent({ ...ALONE, sources: sources(tracker('failed', 0, 'x'.repeat(200))) });
    expect(words.message.length).toBeLessThan(140);
    expect(words.details).toMatchObject({ trackerCount: 1, failedCount: 1, answeredCount: 0, peersInAnswers: 0 });
  });

  test.each<[string, Partial<ConnectionFacts>, string]>([
    [
      'dialling',
      { dialingCount: 3, handshakingCount: 1, failures: { ...NO_FAILURES, refused: 2, 'timed-out': 1 } },
      'No peer is connected yet: 3 being dialled and 1 exchanging handshakes; 2 refused and 1 timed out.',
    ],
    ['dialling', { dueCount: 1 }, 'No peer is connected yet: 1 peer about to be dialled.'],
    [
      'connection-limit',
      { dueCount: 5, fullLimit: 'session', connectionsMax: 500 },
      "The session's limit of 500 connections is reached; 5 more could be tried.",
    ],
    [
      'peers-unreachable',
      { failures: { ...NO_FAILURES, refused: 1, unreachable: 2, ended: 1 }, nextInMs: 39_500 },
      'None of the 4 known peers can be reached (1 refused, 2 unreachable and 1 hung up); the next attempt is in 40 s.',
    ],
    [
      'peers-unreachable',
      { knownCount: 1, failures: { ...NO_FAILURES, 'timed-out': 1 } },
      'The only known peer cannot be reached (1 timed out).',
    ],
  ])('%s: %o', (code, changes, message) => {
    expect(say({ ...ALONE, connections: { ...CONNECTIONS, ...changes } })).toEqual([code, 'waiting', message]);
  });

  test('what has come still waits for the disk', () => {
    const last = { ...DOWNLOAD, missingPieceCount: 2, hashingPieceCount: 2, unavailablePieceCount: 0 };
    expect(say({ ...ALONE, download: last })).toEqual([
      'disk-writes',
      'waiting',
      'Everything has come; 2 pieces wait for the disk.',
    ]);
  });
});

describe('downloading', () => {
  const withFacts = (facts: Partial<DownloadFacts>, changes: Partial<TorrentSnapshot> = {}): TorrentSnapshot => ({
    ...DOWNLOADING,
    ...changes,
    download: { ...DOWNLOAD, ...facts },
  });

  test.each<[string, string, Partial<DownloadFacts>, Partial<TorrentSnapshot>, string]>([
    ['downloading', 'fine', {}, {}, '3 of 4 connected peers give what we ask for.'],
    [
      'downloading',
      'fine',
      {},
      { peers: { 'asked-of-others': 4 } },
      'There is nothing to ask of 4 connected peers at this moment.',
    ],
    [
      'choked-by-all',
      'waiting',
      { hasNoMemory: true },
      { peers: { 'choking-us': 3, 'free-riding': 1 } },
      'All 4 peers choke us; 2 of 4 want something of us.',
    ],
    [
      'choked-by-all',
      'waiting',
      {},
      { peers: { 'choking-us': 1, 'not-interesting': 3 }, interestedInUsCount: 0 },
      'The only peer with something that is missing chokes us; nobody wants anything of us.',
    ],
    [
      'choked-by-all',
      'waiting',
      {},
      { peers: { 'choking-us': 2, 'not-interesting': 2 }, interestedInUsCount: 1 },
      'Both peers with something that is missing choke us; 1 of 4 wants something of us.',
    ],
    [
      'pieces-nobody-has',
      'waiting',
      { unavailablePieceCount: 30 },
      { peers: { 'not-interesting': 4 } },
      'Nobody who is connected has the 30 pieces that are missing.',
    ],
    [
      'disk-writes',
      'limited',
      { isDiskBehind: true, unwrittenBytes: 64 * 1024 * 1024, limitedBy: 'session' },
      { peers: { 'disk-writes': 4 } },
      'The disk is slower than the peers: 64 MiB wait to be hashed and written.',
    ],
    [
      'no-memory',
      'waiting',
      { hasNoMemory: true },
      { peers: { 'no-memory': 4 } },
      'Other torrents have the memory for blocks; it goes on when they free some.',
    ],
    [
      'download-limit-session',
      'limited',
      { limitedBy: 'session', sessionBytesPerSecond: 60_000, torrentBytesPerSecond: 1 },
      { peers: { 'download-limit': 1, giving: 3 } },
      "The session's download limit of 60 kB/s is in use.",
    ],
    [
      'download-limit-torrent',
      'limited',
      { limitedBy: 'torrent', torrentBytesPerSecond: 1_500_000 },
      { peers: { 'download-limit': 4 } },
      "The torrent's download limit of 1.5 MB/s is in use.",
    ],
    [
      'download-limit-peers',
      'limited',
      {},
      { peers: { 'download-limit': 2, 'choking-us': 2 } },
      '2 peers are at their own download limit.',
    ],
    // The limit stood in the way a moment ago, and does no longer.
    ['downloading', 'fine', { limitedBy: 'torrent' }, {}, '3 of 4 connected peers give what we ask for.'],
    [
      'peer-request-queues',
      'limited',
      {},
      { peers: { 'request-queue': 1, 'choking-us': 3 } },
      '1 peer could give more, but takes too few requests at a time.',
    ],
    [
      'stalled-peers',
      'waiting',
      {},
      { peers: { snubbed: 2, 'choking-us': 2 } },
      '2 peers were asked and have not answered in time.',
    ],
  ])('%s (%s): %o %o', (code, effect, facts, changes, message) => {
    expect(say(withFacts(facts, changes)).slice(0, 3)).toEqual([code, effect, message]);
  });

  test('further reasons: what is with nobody, who is silent, connections that may not be made, what we give too slowly', () => {
    const upload: UploadFacts = { ...UPLOAD, limitedBy: 'torrent', torrentBytesPerSecond: 20_000 };
    const diagnosis = diagnoseTorrent(
      withFacts(
        { unavailablePieceCount: 3 },
        {
          peers: { giving: 1, snubbed: 1, 'choking-us': 2 },
          connections: { ...CONNECTIONS, fullLimit: 'torrent', dueCount: 7 },
          upload,
        },
      ),
    );
    expect(diagnosis.code).toBe('downloading');
    expect(diagnosis.further.map(({ effect, message }) => `${effect}: ${message}`)).toEqual([
      'limited: Nobody who is connected has 3 of the 30 pieces that are missing.',
      'limited: 1 peer was asked and has not answered in time.',
      "limited: The torrent's limit of 100 connections is reached; 7 more could be tried.",
      "limited: The torrent's upload limit of 20 kB/s is in use.",
    ]);
    expect(diagnosis.peers).toEqual({ giving: 1, snubbed: 1, 'choking-us': 2 });
    expect(Object.isFrozen(diagnosis)).toBe(true);
  });

  test('no reason stands twice', () => {
    const nothing = withFacts({ unavailablePieceCount: 30 }, { peers: { 'not-interesting': 4 } });
    expect(say(nothing).slice(3)).toEqual([]);
    expect(say(withFacts({}, { peers: { snubbed: 4 } })).slice(3)).toEqual([]);
  });
});

describe('uploading', () => {
  test.each<[string, string, Partial<UploadFacts>, Partial<TorrentSnapshot>, string]>([
    ['uploading', 'fine', {}, {}, '2 of 4 connected peers get what they ask for.'],
    [
      'nobody-interested',
      'waiting',
      {},
      { peers: { 'not-interested': 4 }, interestedInUsCount: 0 },
      'None of the 4 connected peers wants anything of us.',
    ],
    [
      'upload-limit-session',
      'limited',
      { limitedBy: 'session', sessionBytesPerSecond: 20_000 },
      { peers: { 'upload-limit': 3, taking: 1 } },
      "The session's upload limit of 20 kB/s is in use.",
    ],
    [
      'upload-limit-torrent',
      'limited',
      { limitedBy: 'torrent', torrentBytesPerSecond: 900 },
      { peers: { 'upload-limit': 4 } },
      "The torrent's upload limit of 900 B/s is in use.",
    ],
    [
      'upload-limit-peers',
      'limited',
      {},
      { peers: { 'upload-limit': 1, 'no-slot': 3 } },
      '1 peer is at its own upload limit.',
    ],
    [
      'no-memory',
      'waiting',
      { hasNoMemory: true },
      {},
      'Other torrents have the memory for blocks; it goes on when they free some.',
    ],
    [
      'disk-reads',
      'limited',
      {},
      { peers: { 'disk-reads': 3, taking: 1 } },
      'The disk reads slower than 3 peers could take.',
    ],
    [
      'slots-full',
      'limited',
      {},
      { peers: { 'asks-nothing': 3, 'no-slot': 1 } },
      'All 8 upload slots are taken; 1 peer waits for one.',
    ],
    ['nobody-asks', 'waiting', {}, { peers: { 'asks-nothing': 1 } }, '1 peer may ask for blocks and does not.'],
  ])('%s (%s): %o %o', (code, effect, facts, changes, message) => {
    expect(say({ ...SEEDING, ...changes, upload: { ...UPLOAD, ...facts } })).toEqual([code, effect, message]);
  });

  test('nobody is connected: what the trackers said', () => {
    const alone: TorrentSnapshot = { ...SEEDING, peerCount: 0, peers: {}, interestedInUsCount: 0, upload: undefined };
    expect(say({ ...alone, sources: sources(tracker('failed', 0, 'timed out')) })).toEqual([
      'nobody-interested',
      'waiting',
      'Nobody is connected; 1 tracker asked: failed (timed out).',
    ]);
    expect(say({ ...alone, sources: sources() })[2]).toBe('Nobody is connected, and no tracker tells of us.');
  });

  test('slots are a further reason while others take', () => {
    expect(say({ ...SEEDING, peers: { taking: 8, 'no-slot': 2 } }).slice(3)).toEqual(['slots-full']);
  });

  test('nothing is wanted: the reason itself when there is nothing to give either', () => {
    const nothing: TorrentSnapshot = { ...SEEDING, isNothingWanted: true };
    expect(say({ ...nothing, havePieceCount: 0 })).toEqual([
      'nothing-wanted',
      'waiting',
      'None of its files is wanted.',
    ]);
    expect(say(nothing)).toEqual(['uploading', 'fine', expect.any(String), 'nothing-wanted']);
  });
});
