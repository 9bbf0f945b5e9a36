// Gets the piece layers that an info dictionary from peers lacks (BEP 52): asks all connected peers at once, a good
// many hashes each. What comes is proved by the picker; peers that lie are banned, peers that have nothing are left.
import type { InfoDictionary, MetainfoFile } from '../../protocol/metainfo/index.ts';
import type { HashesMessage, HashRequest } from '../../protocol/wire/hash-messages.ts';
import { type LayeredFile, PieceLayerPicker } from '../../swarm/piece-layer-picker.ts';
import type { DeadlineEntry } from '../deadline-queue.ts';
import type { EngineContext } from '../session/engine-context.ts';
import type { MetadataPeer } from './metadata-peer.ts';

/** Requests under way at one peer: half of what a peer that is built like us queues. */
const REQUESTS_MAX = 32;
/** A peer that has refused so much has no layers to give. */
const REFUSALS_MAX = 16;
/** A hybrid torrent goes on with its v1 hashes when nothing was heard for so long. */
const PATIENCE_MS = 10_000;
/** The same when every known peer has been tried in vain; trackers may still be about to name more. */
const PATIENCE_FORSAKEN_MS = 2_000;

export interface PieceLayerFetchHost {
  /** A mistake of ours showed itself. */
  handleBug(error: unknown): void;
  /** Connected, or waiting for the other side's handshake. */
  peers(): readonly MetadataPeer[];
  /** Nobody is connected, and nobody is left to dial now. */
  readonly isForsaken: boolean;
  /** The peer lied: it is left and not met again. */
  banPeer(peer: MetadataPeer): void;
  /** All layers are there and proved; or the torrent is a hybrid and goes on without. Once. */
  handleComplete(info: InfoDictionary): void;
  /** No valid layers can exist. Once. */
  handleInvalid(message: string): void;
}

export class PieceLayerFetch implements DeadlineEntry {
  readonly #context: EngineContext;
  readonly #host: PieceLayerFetchHost;
  readonly #info: InfoDictionary;
  readonly #picker: PieceLayerPicker;
  #startedMs = 0;
  #progressMs = 0;

  constructor(context: EngineContext, host: PieceLayerFetchHost, info: InfoDictionary) {
    const { crypto } = context.platform;
    this.#context = context;
    this.#host = host;
    this.#info = info;
    this.#picker = new PieceLayerPicker(layeredFilesOf(info), info.pieceLengthBytes, (bytes) => crypto.sha256(bytes));
  }

  start(): void {
    this.#startedMs = this.#nowMs();
    this.#progressMs = this.#startedMs;
    if (this.#info.format === 'hybrid') {
      this.#context.deadlines.expedite(this, this.#startedMs + PATIENCE_FORSAKEN_MS);
    }
    this.#askAll();
  }

  stop(): void {
    this.#context.deadlines.remove(this);
  }

  /** Keeps the peer busy. */
  ask(peer: MetadataPeer): void {
    while (peer.isReady && this.#picker.outstandingOf(peer.id) < REQUESTS_MAX) {
      const request = this.#picker.next(peer.id);
      if (request === undefined) return;
      peer.sendHashRequest(request);
    }
  }

  handleHashes(peer: MetadataPeer, { request, hashes }: HashesMessage): void {
    const answer = this.#picker.handleHashes(peer.id, request, hashes);
    if (answer === 'impossible') {
      this.#host.handleInvalid('The piece layer of a file goes on beyond its end.');
      return;
    }
    if (answer === 'lie') {
      this.#host.banPeer(peer);
      return;
    }
    this.#progressMs = this.#nowMs();
    if (this.#picker.isComplete) this.#host.handleComplete(withPieceLayers(this.#info, this.#picker));
    else this.ask(peer);
  }

  handleReject(peer: MetadataPeer, request: HashRequest): void {
    this.#picker.handleReject(peer.id, request);
    if (this.#picker.refusalsOf(peer.id) < REFUSALS_MAX) this.ask(peer);
    if (this.#picker.outstandingOf(peer.id) === 0 || this.#picker.refusalsOf(peer.id) >= REFUSALS_MAX) peer.close();
    else this.#askAll();
  }

  /** What the peer was asked is asked of the others. */
  handleEnded(peer: MetadataPeer): void {
    this.#picker.handlePeerGone(peer.id);
    this.#askAll();
  }

  handleBug(error: unknown): void {
    this.#host.handleBug(error);
  }

  handleDeadline(nowMs: number): number {
    const isForsaken = nowMs >= this.#startedMs + PATIENCE_FORSAKEN_MS && this.#host.isForsaken;
    if (isForsaken || nowMs >= this.#progressMs + PATIENCE_MS) {
      const { log } = this.#context.platform;
      log.write('info', `no peer gave the piece layers of ${this.#info.name}: it is checked by its v1 hashes alone`);
      this.#host.handleComplete(this.#info);
      return Number.POSITIVE_INFINITY;
    }
    return Math.min(nowMs + PATIENCE_FORSAKEN_MS / 2, this.#progressMs + PATIENCE_MS);
  }

  #askAll(): void {
    for (const peer of this.#host.peers()) this.ask(peer);
  }

  #nowMs(): number {
    return this.#context.platform.clock.nowMs();
  }
}

export function lacksPieceLayers(info: InfoDictionary): boolean {
  return info.files.some((file) => lacksLayer(file, info.pieceLengthBytes));
}

function lacksLayer({ piecesRoot, pieceLayer, lengthBytes }: MetainfoFile, pieceLengthBytes: number): boolean {
  return piecesRoot !== undefined && pieceLayer === undefined && lengthBytes > pieceLengthBytes;
}

function layeredFilesOf(info: InfoDictionary): LayeredFile[] {
  const files: LayeredFile[] = [];
  for (const file of info.files) {
    const { piecesRoot, lengthBytes } = file;
    if (piecesRoot !== undefined && lacksLayer(file, info.pieceLengthBytes)) files.push({ piecesRoot, lengthBytes });
  }
  return files;
}

function withPieceLayers(info: InfoDictionary, picker: PieceLayerPicker): InfoDictionary {
  const files = info.files.map((file) =>
    lacksLayer(file, info.pieceLengthBytes) ? { ...file, pieceLayer: picker.layerOf(file.piecesRoot!) } : file,
  );
  return { ...info, files };
}
