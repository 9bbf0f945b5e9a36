// Datagrams of UDP trackers: the input is the tracker's side of one exchange, cut into datagrams by its own bytes. The
// transaction id is made right unless its first byte is "!", so that more than the first check is reached.
import { encodeUtf8 } from '../../src/base/bytes.ts';
import { seededRandom } from '../../src/base/random.ts';
import { TRACKER_PEERS_MAX } from '../../src/protocol/limits.ts';
import type { AnnounceRequest } from '../../src/protocol/tracker/announce.ts';
import { UdpAnnounce } from '../../src/protocol/tracker/udp-announce.ts';

export const name = 'tracker-udp';

export const seeds: readonly Uint8Array[] = [
  '\u0010\u0000\u0000\u0000\u0000aaaaconnect!\u001a\u0000\u0000\u0000\u0001aaaa\u0000\u0000\u0007\u0008cccc6666address1',
  '\u0010\u0000\u0000\u0000\u0000aaaaconnect!\u000c\u0000\u0000\u0000\u0003aaaaoops',
].map(encodeUtf8);

const REQUEST: AnnounceRequest = {
  infoHash: new Uint8Array(20),
  peerId: new Uint8Array(20),
  port: 6881,
  uploadedBytes: 0,
  downloadedBytes: 0,
  leftBytes: 0,
  event: 'started',
  key: 1,
  numWant: 200,
};

export function run(bytes: Uint8Array): void {
  const family = bytes.length % 2 === 0 ? 4 : 6;
  const announce = new UdpAnnounce(REQUEST, { family, urlData: '/announce', random: seededRandom(1) }, 0);
  let transactionId = new Uint8Array(4);
  let isDone = false;
  let nowMs = 0;
  for (let at = 0; at < bytes.length; ) {
    for (let output = announce.poll(); output !== undefined; output = announce.poll()) {
      if (isDone) throw new Error('an output after the end');
      if (output.type === 'send') transactionId = output.datagram.slice(12, 16);
      else isDone = true;
      if (output.type === 'response' && output.response.peers.length > TRACKER_PEERS_MAX) throw new Error('peers');
    }
    if (isDone !== (announce.deadlineMs === Infinity)) throw new Error('the deadline does not fit');
    const end = at + 1 + bytes[at]!;
    const datagram = bytes.slice(at + 1, end);
    if (datagram.length >= 8 && datagram[4] !== 0x21) datagram.set(transactionId, 4);
    nowMs += 1_000;
    announce.handleDatagram(datagram, nowMs);
    if (datagram.length === 0 && !isDone && announce.deadlineMs !== Infinity) {
      nowMs = announce.deadlineMs;
      announce.handleDeadline(nowMs);
    }
    at = end;
  }
}
