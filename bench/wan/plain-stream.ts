// A plain TCP stream of Node.js, the mark that downloads over a long link are held against: no protocol, no disk. Run as a
// program of its own on each host, so that it has a process as the clients have.
//
//   plain-stream send PORT                     answers each connection with as many bytes as its first 8 bytes say (big endian)
//   plain-stream receive BYTES HOST:PORT...    fetches BYTES in all, the same from each; prints `complete`
import net from 'node:net';

const CHUNK_BYTES = 256 * 1024;

function send(socket: net.Socket, totalBytes: number): void {
  const chunk = new Uint8Array(CHUNK_BYTES).fill(0x5a);
  let left = totalBytes;
  const fill = (): void => {
    while (left > 0) {
      const length = Math.min(left, CHUNK_BYTES);
      left -= length;
      if (!socket.write(chunk.subarray(0, length))) return;
    }
    socket.off('drain', fill);
  };
  socket.on('drain', fill);
  fill();
}

function listen(port: number): void {
  const server = net.createServer({ noDelay: true }, (socket) => {
    // The receiver may leave at any time; that is its own affair.
    socket.on('error', () => undefined);
    socket.once('data', (bytes) => send(socket, Number(bytes.readBigUInt64BE(0))));
  });
  server.listen(port, '0.0.0.0', () => console.log('listening'));
}

async function receive(remote: string, totalBytes: number): Promise<void> {
  const [host = '', port = ''] = remote.split(':');
  await new Promise<void>((resolve, reject) => {
    let left = totalBytes;
    const socket = net.connect({ host, port: Number(port), noDelay: true }, () => {
      const wish = Buffer.alloc(8);
      wish.writeBigUInt64BE(BigInt(totalBytes));
      socket.write(wish);
    });
    socket.on('data', ({ length }) => {
      left -= length;
      if (left > 0) return;
      socket.destroy();
      resolve();
    });
    socket.on('error', reject);
    socket.on('end', () => reject(new Error(`${remote} ended the stream early`)));
  });
}

const [, , role, amount = '', ...remotes] = process.argv;
if (role === 'send') listen(Number(amount));
else {
  await Promise.all(remotes.map((remote) => receive(remote, Number(amount) / remotes.length)));
  console.log('complete');
}
