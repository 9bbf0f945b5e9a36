// Goal: the torrent that a publisher names is added, followed and renewed. Method: a DHT of one item whose clock is turned by
// hand.
import { expect, test } from 'vitest';
import { nodeCrypto } from '../../../sim/testing/node-crypto.ts';
import { bytesToHex, encodeUtf8 } from '../../base/bytes.ts';
import { seededRandom } from '../../base/random.ts';
import { encodeTorrentPointer } from '../../protocol/dht/torrent-pointer.ts';
import type { StoredItem } from '../../swarm/dht/stored-items.ts';
import type { TorrentSource } from '../torrent-source.ts';
import { FOLLOW_MS, type ItemStore, PublishedTorrents } from './published-torrents.ts';

const crypto = nodeCrypto(seededRandom(1));
const publicKey = crypto.ed25519PublicKey(new Uint8Array(32).fill(7));
const publisher = { publicKey, salt: encodeUtf8('n') };
const MAGNET = { name: 'news', trackers: ['udp://t:1'], webSeeds: [], peers: [] };
const OPTIONS = { saveTo: '/data' };

interface Added {
  readonly source: TorrentSource;
}

class OneItem implements ItemStore {
  item: StoredItem | undefined;
  readonly targets: string[] = [];
  readonly stored: (number | undefined)[] = [];
  readonly waits: { readonly durationMs: number; readonly end: () => void }[] = [];

  name(infoHash: Uint8Array, seq: number): void {
    const value = encodeTorrentPointer(infoHash);
    this.item = { value, mutable: { publicKey, seq, signature: new Uint8Array(64) } };
  }

  async find(target: Uint8Array) {
    this.targets.push(bytesToHex(target));
    return { item: this.item, answerCount: 1, queryCount: 1 };
  }

  async store(_: Uint8Array, __: Uint8Array, put: Parameters<ItemStore['store']>[2]) {
    this.stored.push(put.mutable?.seq);
    return { storedCount: 1, refusalCode: undefined, answerCount: 1, queryCount: 1 };
  }

  wait(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waits.push({ durationMs, end: resolve });
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }
}

function create(dht: OneItem | undefined) {
  const updates: string[] = [];
  const published = new PublishedTorrents<Added>({
    dht,
    random: seededRandom(2),
    sha1: crypto.sha1,
    add: async (source) => ({ source }),
    handleUpdated: (_, infoHash) => updates.push(infoHash),
  });
  return { published, updates };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const hash = (digit: number): Uint8Array => new Uint8Array(20).fill(digit);

test('the torrent that the item names is added with what the link says besides', async () => {
  const dht = new OneItem();
  dht.name(hash(1), 4);
  const { published } = create(dht);
  const { source } = await published.add(MAGNET, publisher, OPTIONS);
  expect(source).toMatchObject({ infoHash: hash(1), name: 'news', trackers: [['udp://t:1']] });
  expect(dht.targets).toEqual([bytesToHex(crypto.sha1(new Uint8Array([...publicKey, 0x6e])))]);
});

test('a publisher that nobody knows yet is asked for again, until the signal ends it', async () => {
  const dht = new OneItem();
  const { published } = create(dht);
  const adding = published.add(MAGNET, publisher, OPTIONS);
  await settled();
  expect(dht.waits.map(({ durationMs }) => durationMs)).toEqual([10_000]);
  dht.waits[0]!.end();
  await settled();
  expect(dht.waits[1]?.durationMs).toBe(20_000);
  dht.name(hash(2), 1);
  dht.waits[1]!.end();
  expect((await adding).source.infoHash).toEqual(hash(2));

  const abort = new AbortController();
  const other = create(new OneItem()).published.add(MAGNET, publisher, { ...OPTIONS, signal: abort.signal });
  await settled();
  abort.abort(new Error('enough'));
  await expect(other).rejects.toThrow('enough');
});

test('a newer torrent is told of once, an older item is not believed, and the newest is put again', async () => {
  const dht = new OneItem();
  dht.name(hash(1), 4);
  const { published, updates } = create(dht);
  const torrent = await published.add(MAGNET, publisher, OPTIONS);
  const round = async (): Promise<void> => {
    await settled();
    const { durationMs, end } = dht.waits.at(-1)!;
    expect(durationMs).toBeGreaterThan(FOLLOW_MS * 0.9 - 1);
    expect(durationMs).toBeLessThanOrEqual(FOLLOW_MS);
    end();
    await settled();
  };
  await round();
  expect([updates, dht.stored]).toEqual([[], [4]]);
  dht.name(hash(3), 5);
  await round();
  dht.name(hash(1), 4);
  await round();
  expect([updates, dht.stored]).toEqual([[bytesToHex(hash(3))], [4, 5, 5]]);
  // Added again, the link stands for the newest even where a node has missed it.
  expect((await published.add(MAGNET, publisher, OPTIONS)).source.infoHash).toEqual(hash(3));
  const waitCount = dht.waits.length;
  published.forget(torrent);
  await settled();
  expect(dht.waits).toHaveLength(waitCount);
});

test('without a DHT the link is refused', async () => {
  const { published } = create(undefined);
  await expect(published.add(MAGNET, publisher, OPTIONS)).rejects.toMatchObject({ code: 'METADATA_NOT_FOUND' });
});
