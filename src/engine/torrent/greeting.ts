// The first messages to a peer after the handshakes: what we have (BEP 3, BEP 6), and what we are and can (BEP 10).
import type { Bitfield } from '../../base/bitfield.ts';
import { EXTENSION_IDS } from '../../protocol/extensions/extension-handshake.ts';
import { INCOMING_REQUESTS_MAX } from '../../protocol/limits.ts';
import { parseIpAddress } from '../../protocol/tracker/ip-address.ts';
import type { PeerConnection } from '../../protocol/wire/peer-connection.ts';
import { VERSION } from '../session/settings.ts';

/** Extension messages that we take (BEP 9, 54, 21), and those of a torrent whose peers are told of each other (BEP 11). */
const OFFERED_MESSAGES: ReadonlyMap<string, number> = new Map([
  ['ut_metadata', EXTENSION_IDS.ut_metadata],
  ['lt_donthave', EXTENSION_IDS.lt_donthave],
  ['upload_only', EXTENSION_IDS.upload_only],
]);
const OFFERED_WITH_PEX: ReadonlyMap<string, number> = new Map([...OFFERED_MESSAGES, ['ut_pex', EXTENSION_IDS.ut_pex]]);

export interface Greeting {
  readonly have: Bitfield;
  /** The peer was told before that we have nothing. */
  readonly isGreeted: boolean;
  readonly isUploadOnly: boolean;
  /** 0: not known. */
  readonly metadataSizeBytes: number;
  readonly usesPex: boolean;
  /** 0: nothing listens. Peers that connected to us know it. */
  readonly listenPort: number;
  readonly remoteAddress: string;
}

export function sendGreeting(connection: PeerConnection, greeting: Greeting): void {
  const { have, metadataSizeBytes, listenPort } = greeting;
  if (!greeting.isGreeted) connection.sendBitfield(have);
  else for (const pieceIndex of have.indexes()) connection.sendHave(pieceIndex);
  connection.sendExtensionHandshake({
    messages: greeting.usesPex ? OFFERED_WITH_PEX : OFFERED_MESSAGES,
    client: `Millrace ${VERSION}`,
    requestQueue: INCOMING_REQUESTS_MAX,
    yourAddress: parseIpAddress(greeting.remoteAddress),
    uploadOnly: greeting.isUploadOnly,
    ...(metadataSizeBytes > 0 ? { metadataSizeBytes } : {}),
    ...(!connection.isInitiator || listenPort === 0 ? {} : { listenPort }),
  });
}
