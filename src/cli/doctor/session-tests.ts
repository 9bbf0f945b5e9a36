// The tests of `millrace doctor` that need a session: listening over TCP, a UDP port of the same number, what the router has
// mapped, and how many nodes of the DHT answer.
import { createSocket } from 'node:dgram';
import type { ListenAddress, PortMappingStats, SessionLike } from '../../engine/api.ts';
import { EXIT, failureOf } from '../exit-code.ts';
import { formatCount } from '../output/format.ts';
import { portMappingText } from '../output/port-mapping-text.ts';
import { type Finding, skipped } from './finding.ts';

const USUAL_PORT = 6_881;
/** A router that has not answered by then is taken for one that will not. */
const ROUTER_MS = 4_000;
const ROUTER_LOOK_MS = 100;
const DHT_MS = 20_000;
const NODES_FEW = 8;

export function listening(addresses: readonly ListenAddress[], wantedPort: number | undefined): Finding {
  const [first] = addresses;
  if (first === undefined) return skipped('tcp', 'not listening');
  const places = addresses.map(({ address }) => address).join(' and ');
  const message = `listening on ${places}, port ${first.port}`;
  if (wantedPort !== undefined || first.port === USUAL_PORT) return { test: 'tcp', state: 'ok', message };
  const advice = `port ${USUAL_PORT} is taken by another program: choose one with --port that the router knows`;
  return { test: 'tcp', state: 'warn', message, advice };
}

export function notListening(error: unknown): Finding {
  const { message } = failureOf(error);
  return { test: 'tcp', state: 'fail', message: message.replace(/\.$/, ''), exitCode: EXIT.network };
}

/** Binds the UDP port beside the TCP port and lets it go. */
export async function testUdp({ address, port }: ListenAddress): Promise<Finding> {
  const code = await new Promise<string | undefined>((resolve) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve(error.code ?? error.message);
    });
    socket.bind({ address, port, exclusive: true }, () => socket.close(() => resolve(undefined)));
  });
  if (code === undefined) return { test: 'udp', state: 'ok', message: `port ${port} can be bound` };
  const message = code === 'EADDRINUSE' ? `port ${port} is taken by another program` : `port ${port}: ${code}`;
  const advice = 'the DHT and trackers take another one, which the router does not know: choose a free one with --port';
  return { test: 'udp', state: 'warn', message, advice };
}

export async function testRouter(session: SessionLike): Promise<Finding> {
  const isOpen = ({ state }: PortMappingStats): boolean => state === 'asking';
  for (let waitedMs = 0; waitedMs < ROUTER_MS; waitedMs += ROUTER_LOOK_MS) {
    const { portMappings } = session;
    if (portMappings.length > 0 && !portMappings.some(isOpen)) break;
    await new Promise((resolve) => setTimeout(resolve, ROUTER_LOOK_MS));
  }
  const { portMappings } = session;
  if (portMappings.length === 0) return skipped('router', 'no router found that would have to let peers in');
  const message = portMappings.map(portMappingText).join('; ');
  if (portMappings.some(({ state }) => state === 'mapped')) return { test: 'router', state: 'ok', message };
  const advice = 'switch on UPnP, NAT-PMP or PCP in the router, or forward the port there by hand';
  return { test: 'router', state: 'warn', message, advice };
}

export async function testDht({ dht }: SessionLike): Promise<Finding> {
  if (dht === undefined) return skipped('dht', 'switched off');
  const { answerCount } = await dht.probe({ signal: AbortSignal.timeout(DHT_MS) }).catch(() => ({ answerCount: 0 }));
  const message = `${formatCount(answerCount, 'node')} answered`;
  if (answerCount >= NODES_FEW) return { test: 'dht', state: 'ok', message };
  const advice = 'see that UDP gets out through the firewall, or name a node with --dht-bootstrap';
  return { test: 'dht', state: 'warn', message: answerCount === 0 ? 'no node answered' : message, advice };
}
