// Stand-ins for tests of what is printed: streams that remember, a context in memory, numbers of a torrent.
import type { SessionOptions, TorrentLike, TorrentStats } from '../../engine/api.ts';
import type { TorrentDiagnosis } from '../../engine/diagnosis/reasons.ts';
import type { CliContext, OutputStream } from '../context.ts';

export class MemoryStream implements OutputStream {
  text = '';
  readonly isTTY: boolean;
  readonly columns = 60;
  readonly rows = 10;

  constructor(isTTY = false) {
    this.isTTY = isTTY;
  }

  write(data: string | Uint8Array): boolean {
    this.text += typeof data === 'string' ? data : Buffer.from(data).toString('latin1');
    return true;
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }
}

export interface MemoryContext extends CliContext {
  readonly stdout: MemoryStream;
  readonly stderr: MemoryStream;
}

export function memoryContext(overrides: Partial<CliContext> & { readonly isTTY?: boolean } = {}): MemoryContext {
  return {
    env: {},
    stdin: (async function* () {})(),
    nowMs: () => performance.now(),
    facade: () => Promise.reject(new Error('this test has no engine')),
    fetchBytes: () => Promise.reject(new Error('this test has no network')),
    catchSignals: () => new AbortController().signal,
    ...overrides,
    stdout: new MemoryStream(overrides.isTTY),
    stderr: new MemoryStream(overrides.isTTY),
  };
}

export function statsWith(overrides: Partial<TorrentStats>): TorrentStats {
  return {
    state: 'downloading',
    totalBytes: 1_048_576,
    wantedBytes: 1_048_576,
    haveBytes: 0,
    pieceCount: 40,
    havePieceCount: 0,
    checkedPieceCount: 0,
    downloadedBytes: 0,
    uploadedBytes: 0,
    wastedBytes: 0,
    hashFailedBytes: 0,
    hashFailureCount: 0,
    downloadBytesPerSecond: 0,
    uploadBytesPerSecond: 0,
    peerCount: 0,
    peerSources: { tracker: 0, magnet: 0, user: 0, incoming: 0, pex: 0, dht: 0, lsd: 0 },
    seedCount: 0,
    isSuperSeeding: false,
    etaSeconds: null,
    ratio: 0,
    ...overrides,
  };
}

export function diagnosisWith(overrides: Partial<TorrentDiagnosis>): TorrentDiagnosis {
  return {
    code: 'downloading',
    effect: 'fine',
    message: '1 of 1 connected peer gives what we ask for.',
    details: {},
    further: [],
    peers: {},
    ...overrides,
  };
}

/** A torrent that never changes by itself: its waits end only by `signal`, unless overridden. */
export function torrentWith(overrides: Partial<TorrentLike>): TorrentLike {
  const untilAborted = (options: { readonly signal?: AbortSignal } = {}): Promise<void> =>
    new Promise((_, reject) => {
      options.signal?.addEventListener('abort', () => reject(options.signal?.reason), { once: true });
    });
  return {
    name: 'name',
    infoHash: 'a'.repeat(40),
    infoHashV2: undefined,
    files: [{ index: 0, path: 'name', lengthBytes: 1_048_576, pad: false, wanted: true }],
    totalBytes: 1_048_576,
    pieceCount: 40,
    state: 'downloading',
    error: undefined,
    magnet: 'magnet:?xt=urn:btih:aa',
    stats: () => statsWith({}),

    diagnosis: () => diagnosisWith({}),
    peers: () => [],
    trackers: () => [],
    whenReady: () => Promise.resolve(),
    whenComplete: untilAborted,
    async *progress() {},
    start: () => {},
    stop: () => Promise.resolve(),
    remove: () => Promise.resolve(),
    connectPeer: () => {},
    setLimits: () => {},
    setPeerLimits: () => {},
    setSuperSeeding: () => {},
    addTracker: () => {},
    selectFiles: () => {},
    setFilePriority: () => {},
    setPiecePriority: () => {},
    setSequential: () => {},
    setPieceDeadline: () => {},
    clearPieceDeadlines: () => {},
    async *read() {},
    scrape: () => Promise.resolve([]),
    verify: () => Promise.reject(new Error('not in this test')),
    on: () => () => {},
    ...overrides,
  };
}

/** A context whose engine adds exactly this torrent, and what the session was asked. */
export function contextWithTorrent(
  torrent: TorrentLike,
  interrupt: AbortSignal = new AbortController().signal,
): MemoryContext & { readonly sessions: SessionOptions[]; readonly closed: number[] } {
  const sessions: SessionOptions[] = [];
  const closed: number[] = [];
  const refuse = (): never => {
    throw new Error('not in this test');
  };
  const context = memoryContext({
    catchSignals: () => interrupt,
    facade: () =>
      Promise.resolve({
        openSession: (options) => {
          sessions.push(options ?? {});
          return Promise.resolve({
            torrents: [torrent],
            portMappings: [],
            listening: [{ address: '0.0.0.0', port: 6881 }],
            add: () => Promise.resolve(torrent),
            stats: refuse,
            dht: undefined,
            dhtState: () => undefined,
            setLimits: () => {},
            on: () => () => {},
            close: ({ timeoutMs } = {}) => {
              closed.push(timeoutMs ?? -1);
              return Promise.resolve();
            },
          });
        },
        readTorrent: refuse,
        createTorrent: refuse,
        verifyTorrent: refuse,
        scrapeTorrent: refuse,
        dhtBootstrap: [],
      }),
  });
  return { ...context, sessions, closed };
}
