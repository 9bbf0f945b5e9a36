// The memory that received pieces stand in until they are on disk: slabs of whole blocks, cut from a few large arenas so
// that worker threads can be shown an arena once. Bounded in bytes; arenas that nobody uses go back to the system.
// A slab comes out with whatever its last user left in it: its taker overwrites every byte that anyone will read.
import { assert } from '../base/assert.ts';
import { BLOCK_BYTES, SLAB_BYTES } from '../protocol/limits.ts';

/** Bytes of one arena. */
const ARENA_BYTES: number = 4 * SLAB_BYTES;

/** Memory that its taker alone may use, until it is given back. */
export interface Slab {
  /** As long as its size class: at least what was asked for. */
  readonly bytes: Uint8Array;
}

export interface BlockPoolOptions {
  /** Bound on all arenas together, in bytes; rounded down to whole arenas, at least one. */
  readonly maxBytes: number;
  /** Arenas without a slab in use are kept up to so many bytes. @defaultValue 16 MiB */
  readonly idleMaxBytes?: number | undefined;
  /** Use SharedArrayBuffers, which worker threads can read in place. */
  readonly shared: boolean;
}

interface Arena {
  readonly slabBytes: number;
  readonly slabs: readonly PooledSlab[];
  usedCount: number;
}

class PooledSlab implements Slab {
  readonly bytes: Uint8Array;
  arena: Arena | undefined;
  isTaken = false;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

export class BlockPool {
  readonly #arenasMax: number;
  readonly #idleArenasMax: number;
  readonly #shared: boolean;
  // BOUNDED: `maxBytes`. Free slabs of each size class, the last released first: it is the one still in the caches.
  readonly #free = new Map<number, PooledSlab[]>();
  #arenaCount = 0;
  #idleArenaCount = 0;
  #usedBytes = 0;

  constructor(options: BlockPoolOptions) {
    this.#arenasMax = Math.max(1, Math.floor(options.maxBytes / ARENA_BYTES));
    this.#idleArenasMax = Math.floor((options.idleMaxBytes ?? 4 * ARENA_BYTES) / ARENA_BYTES);
    this.#shared = options.shared;
  }

  /** Bytes in slabs that are taken. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Bytes of memory held, taken or not. */
  get heldBytes(): number {
    return this.#arenaCount * ARENA_BYTES;
  }

  /**
   * A slab of at least so many bytes (1 to SLAB_BYTES); undefined when the bound is reached: try again after a release.
   * Bytes from `zeroFrom` on are zeros, for the padding at a piece's end that no peer sends.
   */
  take(lengthBytes: number, zeroFrom: number = lengthBytes): Slab | undefined {
    assert(lengthBytes > 0 && lengthBytes <= SLAB_BYTES, 'a slab has between one byte and SLAB_BYTES');
    const slabBytes = Math.ceil(lengthBytes / BLOCK_BYTES) * BLOCK_BYTES;
    const slab = this.#free.get(slabBytes)?.pop() ?? this.#addArena(slabBytes)?.pop();
    if (slab === undefined) return undefined;
    const arena = slab.arena!;
    if (arena.usedCount === 0) this.#idleArenaCount--;
    arena.usedCount++;
    slab.isTaken = true;
    this.#usedBytes += slabBytes;
    slab.bytes.fill(0, zeroFrom);
    return slab;
  }

  /** Gives a slab back. Its taker must not touch it any more. */
  release(slab: Slab): void {
    assert(slab instanceof PooledSlab && slab.isTaken, 'a slab is released once, by who took it');
    const arena = slab.arena!;
    slab.isTaken = false;
    this.#usedBytes -= arena.slabBytes;
    this.#freeListOf(arena.slabBytes).push(slab);
    arena.usedCount--;
    if (arena.usedCount > 0) return;
    this.#idleArenaCount++;
    if (this.#idleArenaCount > this.#idleArenasMax) this.#dropArena(arena);
  }

  /** Drops every arena that has no slab in use. */
  trim(): void {
    for (const free of [...this.#free.values()]) this.#dropIdle(free, Number.POSITIVE_INFINITY);
  }

  #addArena(slabBytes: number): PooledSlab[] | undefined {
    if (this.#arenaCount >= this.#arenasMax) this.#reclaimOne();
    if (this.#arenaCount >= this.#arenasMax) return undefined;
    const memory = this.#shared ? new SharedArrayBuffer(ARENA_BYTES) : new ArrayBuffer(ARENA_BYTES);
    const slabs: PooledSlab[] = [];
    for (let start = 0; start + slabBytes <= ARENA_BYTES; start += slabBytes) {
      slabs.push(new PooledSlab(new Uint8Array(memory, start, slabBytes)));
    }
    const arena: Arena = { slabBytes, slabs, usedCount: 0 };
    for (const slab of slabs) slab.arena = arena;
    this.#arenaCount++;
    this.#idleArenaCount++;
    const free = this.#freeListOf(slabBytes);
    free.push(...slabs);
    return free;
  }

  /** An idle arena of another size class makes room. */
  #reclaimOne(): void {
    for (const free of this.#free.values()) if (this.#dropIdle(free, 1) > 0) return;
  }

  #dropIdle(free: readonly PooledSlab[], countMax: number): number {
    const idle = new Set<Arena>();
    for (const slab of free) {
      if (idle.size < countMax && slab.arena!.usedCount === 0) idle.add(slab.arena!);
    }
    for (const arena of idle) this.#dropArena(arena);
    return idle.size;
  }

  #dropArena(arena: Arena): void {
    const free = this.#freeListOf(arena.slabBytes).filter((slab) => slab.arena !== arena);
    if (free.length === 0) this.#free.delete(arena.slabBytes);
    else this.#free.set(arena.slabBytes, free);
    for (const slab of arena.slabs) slab.arena = undefined;
    this.#arenaCount--;
    this.#idleArenaCount--;
  }

  #freeListOf(slabBytes: number): PooledSlab[] {
    let free = this.#free.get(slabBytes);
    if (free === undefined) {
      free = [];
      this.#free.set(slabBytes, free);
    }
    return free;
  }
}
