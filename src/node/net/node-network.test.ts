// Goal: TCP over node:net keeps the contract of every Network, on loopback sockets.
import { describe, expect, test } from 'vitest';
import { describeNetwork } from '../../platform/network.contract.ts';
import { SILENT_LOG } from '../system/node-log.ts';
import { NodeNetwork } from './node-network.ts';

async function settle(predicate: () => boolean): Promise<void> {
  await expect.poll(predicate, { timeout: 5_000, interval: 2 }).toBe(true);
}

describe.each(['127.0.0.1', '::1'])('on %s', (address) => {
  describeNetwork(() => ({ network: new NodeNetwork(SILENT_LOG), address, settle }));
});

test('lists the addresses of this machine', () => {
  expect(new NodeNetwork(SILENT_LOG).localAddresses()).toContainEqual(
    expect.objectContaining({ address: '127.0.0.1' }),
  );
});

test('bytes of many sockets do not mix, though all are read into one buffer', async () => {
  const network = new NodeNetwork(SILENT_LOG);
  const sums = new Map<number, { bytes: number; sum: number }>();
  let port = 0;
  const listener = network.listenTcp(
    { address: '127.0.0.1', port: 0 },
    {
      handleListening: (local) => {
        port = local.port;
      },
      handleConnection: (socket) => {
        const entry = { bytes: 0, sum: 0 };
        let id = -1;
        socket.setHandler({
          handleConnected: () => {},
          handleData: (bytes) => {
            for (const byte of bytes) {
              if (id === -1) {
                id = byte;
                sums.set(id, entry);
              }
              entry.bytes++;
              entry.sum += byte === id ? 0 : 1;
            }
          },
          handleClosed: () => {},
        });
      },
      handleFailed: (error) => {
        throw new Error(error.message);
      },
    },
  );
  await settle(() => port !== 0);
  const clients = Array.from({ length: 8 }, () =>
    network.connectTcp(
      { remote: { address: '127.0.0.1', port }, timeoutMs: 5_000 },
      { handleConnected: () => {}, handleData: () => {}, handleClosed: () => {} },
    ),
  );
  const total = 600_000;
  for (const [id, client] of clients.entries()) client.write(new Uint8Array(total).fill(id));
  await settle(() => sums.size === 8 && [...sums.values()].every(({ bytes }) => bytes === total));
  expect([...sums.values()].every(({ sum }) => sum === 0)).toBe(true);
  for (const client of clients) client.destroy();
  listener.close();
});
