// An HTTP tracker that names the same peers to whoever asks from its own host, and nobody to others. It stands on the
// leecher's host, so that no announce has to cross the link and each client hears of the seeds at once. Prints `seed ADDRESS`
// when one announces that it has everything.
//
//   fixed-tracker ADDRESS PORT PEER_ADDRESS:PORT...
import http from 'node:http';

const [, , address = '', port = '', ...peers] = process.argv;

function compact(endpoint: string): Buffer {
  const [host = '', peerPort = ''] = endpoint.split(':');
  const bytes = Buffer.alloc(6);
  bytes.set(host.split('.').map(Number));
  bytes.writeUInt16BE(Number(peerPort), 4);
  return bytes;
}

const known = Buffer.concat(peers.map(compact));
const reply = (list: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`d8:intervali1800e5:peers${list.length}:`), list, Buffer.from('e')]);

const server = http.createServer((request, response) => {
  const from = (request.socket.remoteAddress ?? '').replace('::ffff:', '');
  if (/[?&]left=0(&|$)/.test(request.url ?? '')) console.log(`seed ${from}`);
  const isLeecher = from === address || from.startsWith('127.');
  response.end(reply(isLeecher ? known : Buffer.alloc(0)));
});
server.listen(Number(port), '0.0.0.0', () => console.log('listening'));
