// Goal: the listening port is mapped by whatever router there is, told to trackers and peers, and given back at the end.
// Method: a real session on a simulated local network with a scripted router.
import { expect, test } from 'vitest';
import { nodeCrypto } from '../../../sim/testing/node-crypto.ts';
import type { SimPeer } from '../../../sim/world/sim-peer.ts';
import { SimWorld } from '../../../sim/world/sim-world.ts';
import { hexToBytes, readUint32, writeUint16 } from '../../base/bytes.ts';
import type { Endpoint } from '../../platform/network.ts';
import { PORT_CONTROL_PORT } from '../../protocol/port-mapping/mapped-protocol.ts';
import type { SessionOptions } from '../api.ts';

const ROUTER = '192.168.77.254';
const EXTERNAL_PORT = 40_001;
const EXTERNAL_ADDRESS = '203.0.113.9';

interface Home {
  readonly world: SimWorld;
  readonly peer: SimPeer;
  readonly questions: Uint8Array[];
}

/** `answer`: what the router says to a question, from its own address unless `from` says otherwise. */
function home(answer: (question: Uint8Array) => Uint8Array | undefined, session: SessionOptions = {}): Home {
  const world = new SimWorld({ seed: 9, crypto: nodeCrypto(), link: { latencyMs: 1 } });
  const router = world.network.addHost({ addresses: [ROUTER], lan: 'home' });
  const questions: Uint8Array[] = [];
  const socket = router.bindUdp(
    { address: '0.0.0.0', port: PORT_CONTROL_PORT },
    {
      handleListening: () => {},
      handleFailed: () => {},
      handleDatagram: (datagram: Uint8Array, remote: Endpoint) => {
        questions.push(datagram.slice());
        const said = answer(datagram);
        if (said !== undefined) socket.send(said, remote);
      },
    },
  );
  const options = { portMapping: true, ...session };
  const peer = world.addPeer({ content: world.makeContent(), lan: 'home', session: options, isStarted: false });
  peer.host.gatewayAddresses = [ROUTER];
  peer.start();
  world.run(20_000);
  return { world, peer, questions };
}

function answerPcp(question: Uint8Array): Uint8Array | undefined {
  if (question[0] !== 2) return undefined;
  const answer = question.slice();
  answer[1] = 0x81;
  answer.fill(0, 8, 24);
  writeUint16(answer, 42, EXTERNAL_PORT);
  answer.set(Uint8Array.of(0xff, 0xff, 203, 0, 113, 9), 54);
  return answer;
}

function answerNatPmp(question: Uint8Array): Uint8Array {
  if (question[0] !== 0) return hexToBytes('0081000100000007')!;
  if (question[1] === 0) return hexToBytes('0080000000000007cb007109')!;
  const answer = new Uint8Array(16);
  answer[1] = 0x82;
  answer.set(question.subarray(4, 6), 8);
  writeUint16(answer, 10, EXTERNAL_PORT);
  answer.set(question.subarray(8, 12), 12);
  return answer;
}

test.each([
  ['pcp', answerPcp],
  ['nat-pmp', answerNatPmp],
] as const)('%s: the port is mapped, shown, announced, renewed, and given back at the end', (method, answer) => {
  const { world, peer, questions } = home(answer);
  expect(peer.run.session.portMappings).toEqual([
    {
      gateway: ROUTER,
      protocol: 'tcp',
      internalPort: 6_881,
      state: 'mapped',
      method,
      externalPort: EXTERNAL_PORT,
      externalAddress: EXTERNAL_ADDRESS,
      message: undefined,
    },
  ]);
  const countBefore = questions.length;
  world.run(3_600_000);
  expect(questions.length).toBeGreaterThan(countBefore);
  expect(world.tracker.announces.at(-1)?.port).toBe(EXTERNAL_PORT);
  world.finish();
  expect(world.problems).toEqual([]);
  const last = questions.at(-1)!;
  expect(readUint32(last, method === 'pcp' ? 4 : 8)).toBe(0);
});

test('a router that says nothing, or no, is a message; nothing is announced but the listening port', () => {
  const silent = home(() => undefined);
  expect(silent.peer.run.session.portMappings[0]).toMatchObject({
    state: 'failed',
    message: 'the router does not answer',
  });
  expect(silent.world.tracker.announces.at(-1)?.port).toBe(6_881);
  silent.world.finish();
  expect(silent.world.problems).toEqual([]);
  const refusing = home((question) => {
    const answer = answerPcp(question);
    if (answer !== undefined) answer[3] = 2;
    return answer;
  });
  const [mapping] = refusing.peer.run.session.portMappings;
  expect(mapping?.message).toBe('the router refuses: mapping is switched off');
});

test('who is not the router is not believed, and no router is asked where nothing would come of it', () => {
  const bound = home(answerPcp, { bind: 'lo' });
  expect(bound.questions).toEqual([]);
  const off = home(answerPcp, { portMapping: false });
  expect([off.questions, off.peer.run.session.portMappings]).toEqual([[], []]);
  const { world, peer } = home(() => undefined);
  const neighbour = world.addHost({ lan: 'home' });
  const quiet = { handleListening: () => {}, handleDatagram: () => {}, handleFailed: () => {} };
  const liar = neighbour.bindUdp({ address: '0.0.0.0', port: PORT_CONTROL_PORT }, quiet);
  for (let port = 32_768; port < 32_800; port++) {
    liar.send(hexToBytes('00820000000000071ae19c4100000e10')!, { address: peer.host.addresses[0]!, port });
  }
  world.run(650_000);
  expect(peer.run.session.portMappings[0]?.state).not.toBe('mapped');
});
