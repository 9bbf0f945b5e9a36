// Goal: a router of UPnP maps the listening port of a real session, beside the other ways and instead of them. Method: a
// simulated local network with a scripted router.
import { expect, test } from 'vitest';
import { nodeCrypto } from '../../../sim/testing/node-crypto.ts';
import type { SimPeer } from '../../../sim/world/sim-peer.ts';
import { SimWorld } from '../../../sim/world/sim-world.ts';
import { writeUint16 } from '../../base/bytes.ts';
import type { Endpoint, UdpSocket } from '../../platform/network.ts';
import { PORT_CONTROL_PORT } from '../../protocol/port-mapping/mapped-protocol.ts';
import { SSDP_GROUP, SSDP_PORT } from '../../protocol/port-mapping/ssdp.ts';
import { IGD_PORT, type IgdTraits, ScriptedIgd } from '../../protocol/port-mapping/testing/scripted-igd.ts';

const ROUTER = '192.168.77.254';

interface Home {
  readonly world: SimWorld;
  readonly peer: SimPeer;
  readonly igd: ScriptedIgd;
}

interface HomeOptions {
  readonly traits?: IgdTraits;
  /** Answers PCP too, once this many ms have passed. */
  readonly pcpAfterMs?: number;
  /** Takes the farewell and never answers it. */
  readonly isDeafAtTheEnd?: boolean;
}

function home({ traits, pcpAfterMs = Number.POSITIVE_INFINITY, isDeafAtTheEnd = false }: HomeOptions = {}): Home {
  const world = new SimWorld({ seed: 11, crypto: nodeCrypto(), link: { latencyMs: 1 } });
  const router = world.network.addHost({ addresses: [ROUTER], lan: 'home' });
  const igd = new ScriptedIgd(traits);
  const bind = (
    port: number,
    group: string | undefined,
    answer: (question: Uint8Array) => Uint8Array | undefined,
  ): void => {
    const multicast = group === undefined ? undefined : { group, interfaceName: 'eth0', hopsMax: 1 };
    const socket: UdpSocket = router.bindUdp(
      { address: '0.0.0.0', port, multicast },
      {
        handleListening: () => {},
        handleFailed: () => {},
        handleDatagram: (datagram: Uint8Array, remote: Endpoint) => {
          const said = answer(datagram);
          if (said !== undefined) socket.send(said, remote);
        },
      },
    );
  };
  bind(SSDP_PORT, SSDP_GROUP, (search) => igd.answerSearch(search, ROUTER));
  bind(PORT_CONTROL_PORT, undefined, (question) =>
    world.clock.nowMs < pcpAfterMs || question[0] !== 2 ? undefined : answerPcp(question),
  );
  world.web.listen(router, IGD_PORT, (url, clientAddress, sent) => {
    expect(clientAddress).toBe(peer.host.addresses[0]);
    const body = 'body' in sent ? sent.body : undefined;
    const answer = igd.handle(url.pathname + url.search, body);
    return isDeafAtTheEnd && igd.asked.at(-1)?.startsWith('Delete') === true ? undefined : answer;
  });
  const session = { portMapping: true, dht: false };
  const peer = world.addPeer({ content: world.makeContent(), lan: 'home', session, isStarted: false });
  peer.host.gatewayAddresses = [ROUTER];
  peer.start();
  world.run(20_000);
  return { world, peer, igd };
}

function answerPcp(question: Uint8Array): Uint8Array {
  const answer = question.slice();
  answer[1] = 0x81;
  answer.fill(0, 8, 24);
  writeUint16(answer, 42, 40_001);
  answer.set(Uint8Array.of(0xff, 0xff, 203, 0, 113, 9), 54);
  return answer;
}

test('the port is mapped, shown, announced, renewed, and given back at the end', () => {
  const { world, peer, igd } = home({ traits: { version: 2, taken: [6_881] } });
  expect(peer.run.session.portMappings).toEqual([
    {
      gateway: ROUTER,
      protocol: 'tcp',
      internalPort: 6_881,
      state: 'mapped',
      method: 'upnp',
      externalPort: 6_882,
      externalAddress: '203.0.113.9',
      message: undefined,
    },
  ]);
  expect(igd.mappings.get('TCP 6882')?.client).toBe(peer.host.addresses[0]);
  const askedBefore = igd.asked.length;
  world.run(3_700_000);
  expect(igd.asked.slice(askedBefore)).toEqual(['GetExternalIPAddress', 'AddPortMapping TCP 6882 7200']);
  expect(world.tracker.announces.at(-1)?.port).toBe(6_882);
  world.finish();
  expect(world.problems).toEqual([]);
  expect(igd.mappings.size).toBe(0);
});

test('a router that refuses is told, and nothing is left to give back', () => {
  const { world, peer, igd } = home({ traits: { refusal: 606 } });
  expect(peer.run.session.portMappings[0]).toMatchObject({
    state: 'failed',
    method: 'upnp',
    message: 'the router refuses: mapping is switched off',
  });
  world.finish();
  expect(world.problems).toEqual([]);
  expect(igd.asked.filter((asked) => asked.startsWith('Delete'))).toEqual([]);
});

test('a router that maps by PCP is not asked by UPnP as well', () => {
  const { world, peer, igd } = home({ pcpAfterMs: 0 });
  expect(peer.run.session.portMappings[0]).toMatchObject({ state: 'mapped', method: 'pcp', externalPort: 40_001 });
  expect(igd.asked.filter((asked) => asked.startsWith('Add'))).toEqual([]);
  world.finish();
  expect(world.problems).toEqual([]);
});

test('a router that learns PCP later is believed in that, and both mappings are given back', () => {
  const { world, peer, igd } = home({ pcpAfterMs: 60_000 });
  expect(peer.run.session.portMappings[0]).toMatchObject({ state: 'mapped', method: 'upnp' });
  world.run(700_000);
  expect(peer.run.session.portMappings[0]).toMatchObject({ state: 'mapped', method: 'pcp' });
  expect(igd.mappings.size).toBe(1);
  world.finish();
  expect(world.problems).toEqual([]);
  expect(igd.mappings.size).toBe(0);
});

test('a router that is deaf at the end does not hold up the session for long', () => {
  const { world } = home({ isDeafAtTheEnd: true });
  const startMs = world.clock.nowMs;
  world.finish();
  expect(world.problems).toEqual([]);
  expect(world.clock.nowMs - startMs).toBeLessThan(5_000);
});
