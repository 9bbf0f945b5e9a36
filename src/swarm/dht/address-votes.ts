// What other nodes say our address is (BEP 42, "Bootstrapping"). One voice for each network; believed once several agree, so
// that a single liar cannot make us change our node id.
import { bytesKey } from '../../protocol/bencode/index.ts';

/** Voices kept. */
const VOTES_MAX = 32;
const VOTES_NEEDED = 5;

export class AddressVotes {
  /** Network of the voter → what it said. BOUNDED: VOTES_MAX, oldest dropped */
  readonly #votes = new Map<string, string>();
  readonly #addresses = new Map<string, Uint8Array>(); // BOUNDED: VOTES_MAX
  /** 4 or 16 bytes; undefined until enough voices agree. */
  #agreed: Uint8Array | undefined;

  get agreed(): Uint8Array | undefined {
    return this.#agreed;
  }

  /** `voter`: the network of who says it; true when what is agreed on has changed. */
  handleVote(voter: string, address: Uint8Array): boolean {
    const said = bytesKey(address);
    this.#votes.delete(voter);
    this.#votes.set(voter, said);
    if (this.#votes.size > VOTES_MAX) {
      for (const oldest of this.#votes.keys()) {
        this.#votes.delete(oldest);
        break;
      }
    }
    if (!this.#addresses.has(said)) this.#addresses.set(said, address.slice());
    for (const known of [...this.#addresses.keys()]) {
      if (![...this.#votes.values()].includes(known)) this.#addresses.delete(known);
    }
    let count = 0;
    for (const vote of this.#votes.values()) if (vote === said) count++;
    if (count < VOTES_NEEDED || count * 2 <= this.#votes.size) return false;
    if (this.#agreed !== undefined && bytesKey(this.#agreed) === said) return false;
    this.#agreed = this.#addresses.get(said);
    return true;
  }
}
