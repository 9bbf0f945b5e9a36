// What a torrent has once its info dictionary is known, put together from the user's options.

import type { Storage } from '../../platform/disk.ts';
import type { InfoDictionary } from '../../protocol/metainfo/metainfo.ts';
import type { AddTorrentOptions } from '../api.ts';
import type { EngineContext } from '../session/engine-context.ts';
import { type Rates, resolveRates } from '../session/settings.ts';
import type { TorrentSource } from '../torrent-source.ts';
import { Connector, type ConnectorHost } from './connector.ts';
import { DiskCheck } from './disk-check.ts';
import { GuardedStorage } from './guarded-storage.ts';
import type { PiecePriorities } from './piece-priorities.ts';
import { Reading } from './reading.ts';
import { TorrentContent } from './torrent-content.ts';
import { Transfer, type TransferHost } from './transfer.ts';

export interface TorrentParts {
  readonly content: TorrentContent;
  readonly storage: Storage;
  readonly check: DiskCheck;
  readonly transfer: Transfer;
  readonly connector: Connector;
  readonly reading: Reading;
}

/** What wants something else than before. */
export interface WishesHost {
  /** Changes priorities, on disk too where files need a place that had none. */
  changePriorities(change: (priorities: PiecePriorities) => void): void;
}

export interface TorrentPartsOptions {
  readonly source: TorrentSource;
  readonly info: InfoDictionary;
  readonly options: AddTorrentOptions;
  /** Indexes of the files that are wanted; undefined: all, or what the magnet link selects. */
  readonly selected: readonly number[] | undefined;
  readonly peerId: Uint8Array;
  /** Set meanwhile, instead of the options' rates. */
  readonly rates: Rates | undefined;
}

/** @throws {SessionError} `METAINFO_INVALID`; {RangeError} a file index or rate that does not exist. */
export function createTorrentParts(
  context: EngineContext,
  host: TransferHost & ConnectorHost & WishesHost,
  { source, info, options, selected, peerId, rates }: TorrentPartsOptions,
): TorrentParts {
  const { platform } = context;
  const content = new TorrentContent(info);
  const indexes = selected ?? selectedBy(source, content);
  const wanted = indexes === undefined ? content.files.map(() => true) : wantedFiles(content, indexes);
  // Before anything is opened: what is wrong with the options leaves nothing behind.
  const { downloadBytesPerSecond, uploadBytesPerSecond } = rates ?? resolveRates(options);
  const spec = content.storageSpec(platform.resolvePath(options.saveTo), wanted);
  const storage = new GuardedStorage(platform.disk.openStorage(spec), host);
  const transfer = new Transfer(context, host, {
    content,
    storage,
    wanted,
    sequential: options.sequential ?? false,
    seedOnly: options.seedOnly ?? false,
    superSeeding: options.superSeeding ?? false,
    downloadBytesPerSecond,
    uploadBytesPerSecond,
  });
  const connector = new Connector(context, host, transfer, peerId);
  const { picker } = transfer;
  const check = new DiskCheck({ content, storage, picker, concurrency: platform.disk.hashConcurrency });
  const reading = new Reading({
    content,
    storage,
    exchange: transfer,
    deadlines: context.deadlines,
    changePriorities: (change) => host.changePriorities(change),
  });
  return { content, storage, check, transfer, connector, reading };
}

/** One value a file. @throws {RangeError} no such file. */
export function wantedFiles(content: TorrentContent, indexes: readonly number[]): boolean[] {
  const wanted = content.files.map(() => false);
  for (const index of indexes) {
    if (wanted[index] === undefined) {
      throw new RangeError(`There is no file ${index}; the torrent has files 0 to ${wanted.length - 1}.`);
    }
    wanted[index] = true;
  }
  return wanted;
}

/** BEP 53: the files that a magnet link selects; undefined = all. */
function selectedBy(source: TorrentSource, content: TorrentContent): number[] | undefined {
  if (source.selectOnly === undefined) return undefined;
  const indexes: number[] = [];
  for (const [from, to] of source.selectOnly) {
    for (let index = from; index <= Math.min(to, content.files.length - 1); index++) indexes.push(index);
  }
  return indexes;
}
