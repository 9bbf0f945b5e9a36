// Announces of local service discovery: what decodes is within its bounds and encodes to something that decodes to the same.
import { encodeUtf8 } from '../../src/base/bytes.ts';
import { LSD_HASHES_MAX } from '../../src/protocol/limits.ts';
import {
  decodeLsdAnnounce,
  encodeLsdAnnounce,
  LSD_GROUP_V4,
  LSD_GROUP_V6,
} from '../../src/protocol/lsd/lsd-announce.ts';

export const name = 'lsd';

const INFO_HASHES = [new Uint8Array(20).fill(0xa1), new Uint8Array(20)];

export const seeds: readonly Uint8Array[] = [
  encodeLsdAnnounce({ port: 6881, infoHashes: INFO_HASHES, cookie: '0123456789abcdef' }, LSD_GROUP_V4),
  encodeLsdAnnounce({ port: 1, infoHashes: INFO_HASHES, cookie: undefined }, LSD_GROUP_V6),
  encodeUtf8(`BT-SEARCH * HTTP/1.1\r\nhost:\r\nPORT:80\r\nInfohash:${'AB'.repeat(20)}`),
];

export function run(bytes: Uint8Array): void {
  const announce = decodeLsdAnnounce(bytes);
  if (announce === undefined) return;
  const { port, infoHashes } = announce;
  check(port >= 1 && port <= 65_535, 'the port is one');
  check(infoHashes.length >= 1 && infoHashes.length <= LSD_HASHES_MAX, 'info-hashes are bounded');
  check(
    infoHashes.every(({ length }) => length === 20),
    'info-hashes have 20 bytes',
  );
  const again = decodeLsdAnnounce(encodeLsdAnnounce({ port, infoHashes, cookie: undefined }, LSD_GROUP_V4));
  check(again?.port === port && again.infoHashes.length === infoHashes.length, 'round trip');
}

function check(condition: boolean, sentence: string): void {
  if (!condition) throw new Error(`not true: ${sentence}`);
}
