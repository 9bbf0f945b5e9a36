// What all torrents of a session share: the world, the settings, and the budgets that bound them together.
import type { Platform } from '../../platform/platform.ts';
import type { BlockPool } from '../../storage/block-pool.ts';
import type { BanList } from '../../swarm/ban-list.ts';
import type { ChokeRule, ChokerOptions } from '../../swarm/choker.ts';
import type { DialEndpoint } from '../../swarm/dial-address.ts';
import type { DialHistory } from '../../swarm/dial-history.ts';
import type { ExternalAddress } from '../../swarm/external-address.ts';
import type { PickRule, PieceChooserOptions } from '../../swarm/pieces/piece-chooser.ts';
import type { AnnounceServices } from '../announcer/torrent-announcer.ts';
import type { DeadlineQueue } from '../deadline-queue.ts';
import type { Dht } from '../dht/dht.ts';
import type { LocalDiscovery } from '../local-discovery/local-discovery.ts';
import type { SendBuffers } from '../torrent/send-buffers.ts';
import type { WritePressure } from '../torrent/write-pressure.ts';
import type { TransferGate } from '../transfer-gate.ts';
import type { ConnectionBudget } from './connection-budget.ts';
import type { DialLine } from './dial-line.ts';
import type { FlushQueue } from './flush-queue.ts';
import type { Settings } from './settings.ts';
import type { UploadBudget } from './upload-budget.ts';

/** Parts that stand in the place of the engine's own: a simulation's other rules, and its memory without bytes. */
export interface ReplacedParts {
  readonly pool?: BlockPool;
  readonly sendBuffers?: SendBuffers;
  readonly createChoker?: (options: ChokerOptions) => ChokeRule;
  readonly createChooser?: (options: PieceChooserOptions) => PickRule;
}

export interface EngineContext {
  readonly platform: Platform;
  readonly settings: Settings;
  readonly replaced: ReplacedParts;
  readonly deadlines: DeadlineQueue;
  readonly flushes: FlushQueue;
  readonly connections: ConnectionBudget;
  readonly bans: BanList;
  readonly dials: DialLine;
  readonly dialHistory: DialHistory;
  /** How others see us. */
  readonly externalAddress: ExternalAddress;
  readonly pool: BlockPool;
  readonly sendBuffers: SendBuffers;
  readonly pressure: WritePressure;
  /** The session's limits. */
  readonly downloadGate: TransferGate;
  readonly uploadGate: TransferGate;
  readonly uploadBudget: UploadBudget;
  readonly announces: AnnounceServices;
  /** Undefined: switched off. */
  readonly localDiscovery: LocalDiscovery | undefined;
  /** Undefined: the session uses none. */
  readonly dht: Dht | undefined;
  /** Source address of outgoing connections, by the family of the remote address; undefined: the system's choice. */
  localAddressFor(remoteAddress: string): string | undefined;
  /** Which of two connections comes first, the other things being equal (BEP 40): the higher one. */
  priorityOf(remote: DialEndpoint): number;
  /** Ends a connection of a torrent that has more than so many, where one can be spared. False: there is none. */
  makeRoom(connectionCount: number): boolean;
  /** The port that peers can reach us at; 0 when nothing listens. */
  listenPort(): number;
  /** A number that no other connection of this session has had. */
  nextPeerId(): number;
}
