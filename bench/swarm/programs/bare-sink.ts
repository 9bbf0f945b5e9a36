// Receives all that the bare seeder sends and drops it: the cheapest receiver there is, so that the seeder decides.
//
// bare-sink HOST PORT
import net from 'node:net';

const READ_BYTES = 1024 * 1024;

const [host = '', port = ''] = process.argv.slice(2);
let startedMs = 0;
let receivedBytes = 0;

const socket = net.connect({
  host,
  port: Number(port),
  onread: {
    buffer: new Uint8Array(READ_BYTES),
    callback: (length) => {
      receivedBytes += length;
      return true;
    },
  },
});
socket.on('connect', () => {
  startedMs = performance.now();
});
socket.on('end', () => {
  const transferSeconds = (performance.now() - startedMs) / 1000;
  console.log(JSON.stringify({ event: 'complete', transferSeconds, receivedBytes, shares: [receivedBytes] }));
});
// Stays until it is told to go: its account is read meanwhile.
setInterval(() => undefined, 1_000);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(0));
