// What one peer said in its extension handshakes (BEP 10): the ids under which it takes our extension messages, and
// its claims about itself. Later handshakes add to earlier ones. Knows no connection.
import type { ExtensionHandshake, ExtensionName } from '../extensions/extension-handshake.ts';
import { EXTENSION_IDS } from '../extensions/extension-handshake.ts';
import { EXTENSION_HANDSHAKES_MAX, PEER_REQUEST_QUEUE_DEFAULT } from '../limits.ts';

export class PeerExtensions {
  /** Client name and version; a stranger's text, not yet fit for a terminal. */
  client: string | undefined = undefined;
  /** The TCP port on which the peer listens. */
  listenPort: number | undefined = undefined;
  /** Requests that the peer queues; a default until it says so. */
  requestQueue: number = PEER_REQUEST_QUEUE_DEFAULT;
  /** How the peer sees our address: 4 or 16 bytes. */
  yourAddress: Uint8Array | undefined = undefined;
  ipv4: Uint8Array | undefined = undefined;
  ipv6: Uint8Array | undefined = undefined;
  /** Bytes of the info dictionary, as the peer says; never more than the limit. */
  metadataSizeBytes: number | undefined = undefined;
  /** The peer wants no more pieces (BEP 21). */
  uploadOnly = false;

  // BOUNDED: the names that we know.
  readonly #ids = new Map<ExtensionName, number>();
  #handshakeCount = 0;

  /** The id under which the peer takes this message; 0 = it does not. */
  idOf(name: ExtensionName): number {
    return this.#ids.get(name) ?? 0;
  }

  /** Counts a handshake, readable or not; false when it is one too many. */
  countHandshake(): boolean {
    this.#handshakeCount++;
    return this.#handshakeCount <= EXTENSION_HANDSHAKES_MAX;
  }

  handleHandshake(handshake: ExtensionHandshake): void {
    for (const name of Object.keys(EXTENSION_IDS) as ExtensionName[]) {
      const id = handshake.messages.get(name);
      if (id !== undefined) this.#ids.set(name, id);
    }
    this.client = handshake.client ?? this.client;
    this.listenPort = handshake.listenPort ?? this.listenPort;
    this.requestQueue = handshake.requestQueue ?? this.requestQueue;
    this.yourAddress = handshake.yourAddress ?? this.yourAddress;
    this.ipv4 = handshake.ipv4 ?? this.ipv4;
    this.ipv6 = handshake.ipv6 ?? this.ipv6;
    this.metadataSizeBytes = handshake.metadataSizeBytes ?? this.metadataSizeBytes;
    this.uploadOnly = handshake.uploadOnly ?? this.uploadOnly;
  }
}
