// The extension handshake and the ut_metadata message: what decodes is within its bounds and encodes to something
// that decodes to the same.
import { bytesEqual, encodeUtf8 } from '../../src/base/bytes.ts';
import {
  decodeExtensionHandshake,
  encodeExtensionHandshake,
} from '../../src/protocol/extensions/extension-handshake.ts';
import { decodeMetadataMessage } from '../../src/protocol/extensions/ut-metadata.ts';
import {
  EXTENSIONS_PER_PEER_MAX,
  PEER_REQUEST_QUEUE_MAX,
  PEER_TEXT_MAX_BYTES,
  TORRENT_FILE_MAX_BYTES,
} from '../../src/protocol/limits.ts';

export const name = 'extension-handshake';

export const seeds: readonly Uint8Array[] = [
  'd1:md11:ut_metadatai1e6:ut_pexi2e11:lt_donthavei3ee13:metadata_sizei31235e1:pi6881e4:reqqi500e1:v12:Millrace 0.1e',
  'd4:ipv44:abcd4:ipv616:abcdefghijklmnop1:mde11:upload_onlyi1e6:yourip4:abcde',
  'd8:msg_typei1e5:piecei0e10:total_sizei5eeabcde',
  'd8:msg_typei0e5:piecei7ee',
].map(encodeUtf8);

export function run(bytes: Uint8Array): void {
  const message = decodeMetadataMessage(bytes);
  if (message?.type === 'data') check(message.data.length <= 16_384, 'a part is 16 KiB at most');
  const handshake = decodeExtensionHandshake(bytes);
  if (handshake === undefined) return;
  check(handshake.messages.size <= EXTENSIONS_PER_PEER_MAX, 'names are bounded');
  // A malformed byte becomes U+FFFD, one character.
  check((handshake.client ?? '').length <= PEER_TEXT_MAX_BYTES, 'the client name is bounded');
  check((handshake.requestQueue ?? 1) >= 1 && (handshake.requestQueue ?? 1) <= PEER_REQUEST_QUEUE_MAX, 'reqq');
  check((handshake.metadataSizeBytes ?? 1) <= TORRENT_FILE_MAX_BYTES, 'the metadata size is bounded');
  const encoded = encodeExtensionHandshake({ ...handshake, client: undefined, messages: new Map() });
  const again = decodeExtensionHandshake(encoded)!;
  check(bytesEqual(encodeExtensionHandshake(again), encoded), 'round trip');
}

function check(condition: boolean, sentence: string): void {
  if (!condition) throw new Error(`not true: ${sentence}`);
}
