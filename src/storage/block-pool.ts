// The memory that received pieces stand in until they are on disk: slabs of whole blocks, cut from a few large arenas so
// that worker threads can be shown an arena once. Bounded in bytes. Memory once taken from the system is used again, for
// slabs of any size: JavaScript engines do not count shared memory when they decide to collect garbage, so what is dropped
// may stay for long.
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
  /** Use SharedArrayBuffers, which worker threads can read in place. */
  readonly shared: boolean;
}

interface Arena {
  readonly memory: ArrayBufferLike;
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
  readonly #shared: boolean;
  // BOUNDED: `maxBytes`. Free slabs of each size class, the last released first: it is the one still in the caches.
  readonly #free = new Map<number, PooledSlab[]>();
  // BOUNDED: `maxBytes`. Arenas without a slab in use.
  readonly #idle = new Set<Arena>();
  #arenaCount = 0;
  #usedBytes = 0;

  constructor(options: BlockPoolOptions) {
    this.#arenasMax = Math.max(1, Math.floor(options.maxBytes / ARENA_BYTES));
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
    if (arena.usedCount === 0) this.#idle.delete(arena);
    arena.usedCount++;
    slab.isTaken = true;
    this.#usedBytes += slabBytes;
    if (zeroFrom < lengthBytes) slab.bytes.fill(0, zeroFrom);
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
    if (arena.usedCount === 0) this.#idle.add(arena);
  }

  /** Drops the memory of which nothing is in use. For the end of a session's work: see above why not for every lull. */
  trim(): void {
    for (const arena of this.#idle) this.#takeApart(arena);
  }

  #addArena(slabBytes: number): PooledSlab[] | undefined {
    const memory = this.#findMemory();
    if (memory === undefined) return undefined;
    const slabs: PooledSlab[] = [];
    for (let start = 0; start + slabBytes <= ARENA_BYTES; start += slabBytes) {
      slabs.push(new PooledSlab(new Uint8Array(memory, start, slabBytes)));
    }
    const arena: Arena = { memory, slabBytes, slabs, usedCount: 0 };
    for (const slab of slabs) slab.arena = arena;
    this.#arenaCount++;
    this.#idle.add(arena);
    const free = this.#freeListOf(slabBytes);
    free.push(...slabs);
    return free;
  }

  /** Memory of an idle arena, which is of another size class since this one has no free slab, or else fresh memory. */
  #findMemory(): ArrayBufferLike | undefined {
    for (const arena of this.#idle) {
      this.#takeApart(arena);
      return arena.memory;
    }
    if (this.#arenaCount >= this.#arenasMax) return undefined;
    return this.#shared ? new SharedArrayBuffer(ARENA_BYTES) : new ArrayBuffer(ARENA_BYTES);
  }

  #takeApart(arena: Arena): void {
    const free = this.#freeListOf(arena.slabBytes).filter((slab) => slab.arena !== arena);
    if (free.length === 0) this.#free.delete(arena.slabBytes);
    else this.#free.set(arena.slabBytes, free);
    for (const slab of arena.slabs) slab.arena = undefined;
    this.#idle.delete(arena);
    this.#arenaCount--;
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
