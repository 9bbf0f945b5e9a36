import { describe, expect, test } from 'vitest';
import { hexToBytes, readUint32, writeUint16, writeUint32 } from '../base/bytes.ts';
import { randomBelow, seededRandom } from '../base/random.ts';
import {
  PORT_MAPPING_LIFETIME_MIN_SECONDS,
  PORT_MAPPING_LIFETIME_SECONDS,
  PORT_MAPPING_RETRY_MS,
  PORT_MAPPING_SENDS_MAX,
} from '../protocol/limits.ts';
import { GatewayMapper } from './gateway-mapper.ts';

const PORT = 6_881;

function mapper(clientAddress = '192.168.1.2'): GatewayMapper {
  const nonce = new Uint8Array(12).fill(7);
  return new GatewayMapper({ protocol: 'tcp', internalPort: PORT, clientAddress, nonce, nowMs: 0 });
}

/** What a router of PCP says to this question. */
function pcpAnswer(question: Uint8Array, lifetimeSeconds: number, externalPort: number, resultCode = 0): Uint8Array {
  const answer = question.slice();
  answer[1] = 0x81;
  answer[3] = resultCode;
  writeUint32(answer, 4, lifetimeSeconds);
  answer.fill(0, 8, 24);
  writeUint16(answer, 42, externalPort);
  answer.set(Uint8Array.of(0xff, 0xff, 203, 0, 113, 9), 54);
  return answer;
}

const NO_PCP = hexToBytes('0081000100000007')!;
const EXTERNAL_ADDRESS = hexToBytes('0080000000000007cb007109')!;

function natPmpAnswer(question: Uint8Array, lifetimeSeconds: number, externalPort: number): Uint8Array {
  const answer = new Uint8Array(16);
  answer[1] = 128 + question[1]!;
  answer.set(question.subarray(4, 6), 8);
  writeUint16(answer, 10, externalPort);
  writeUint32(answer, 12, lifetimeSeconds);
  return answer;
}

/** Lets nobody answer; the times and versions of what was sent until it gives up. */
function silence(gateway: GatewayMapper): { atMs: number; version: number }[] {
  const sent: { atMs: number; version: number }[] = [];
  for (let nowMs = gateway.deadlineMs; gateway.status.state === 'asking'; nowMs = gateway.deadlineMs) {
    for (let question = gateway.poll(nowMs); question !== undefined; question = gateway.poll(nowMs)) {
      sent.push({ atMs: nowMs, version: question[0]! });
    }
  }
  return sent;
}

describe('PCP', () => {
  test('a mapping is told with its address, renewed at half of its lifetime, and dropped at the end', () => {
    const gateway = mapper();
    const question = gateway.poll(0)!;
    expect(readUint32(question, 4)).toBe(PORT_MAPPING_LIFETIME_SECONDS);
    expect(gateway.poll(0)).toBeUndefined();
    gateway.handleDatagram(pcpAnswer(question, 3_600, 7_000), 40);
    expect(gateway.status).toEqual({
      state: 'mapped',
      method: 'pcp',
      externalPort: 7_000,
      externalAddress: '203.0.113.9',
      message: undefined,
    });
    expect(gateway.deadlineMs).toBe(40 + 1_800_000);
    expect(gateway.poll(gateway.deadlineMs - 1)).toBeUndefined();
    const renewal = gateway.poll(gateway.deadlineMs)!;
    expect([...renewal.subarray(40, 44)]).toEqual([PORT >> 8, PORT & 255, 7_000 >> 8, 7_000 & 255]);
    gateway.handleDatagram(pcpAnswer(renewal, 3_600, 7_000), 1_800_100);
    const farewell = gateway.release()!;
    expect([farewell[0], readUint32(farewell, 4)]).toEqual([2, 0]);
    expect(gateway.deadlineMs).toBe(Number.POSITIVE_INFINITY);
    expect(gateway.release()).toBeDefined();
  });

  test('an answer with another nonce, port or protocol, or that nobody asked for, is none', () => {
    for (const at of [24, 36, 41]) {
      const gateway = mapper();
      const answer = pcpAnswer(gateway.poll(0)!, 3_600, 7_000);
      answer[at]! ^= 1;
      gateway.handleDatagram(answer, 1);
      expect(gateway.status.state).toBe('asking');
    }
    const gateway = mapper();
    gateway.handleDatagram(pcpAnswer(mapper().poll(0)!, 3_600, 7_000), 0);
    expect(gateway.status.state).toBe('asking');
  });

  test('a refusal is told, and the router is asked again PORT_MAPPING_RETRY_MS later', () => {
    const gateway = mapper();
    gateway.handleDatagram(pcpAnswer(gateway.poll(0)!, 30, 0, 2), 10);
    expect(gateway.status).toMatchObject({ state: 'failed', message: 'the router refuses: mapping is switched off' });
    expect(gateway.deadlineMs).toBe(10 + PORT_MAPPING_RETRY_MS);
    expect(gateway.release()).toBeUndefined();
  });

  test('lifetimes are believed within bounds', () => {
    for (const [said, believed] of [
      [1, PORT_MAPPING_LIFETIME_MIN_SECONDS],
      [PORT_MAPPING_LIFETIME_MIN_SECONDS, PORT_MAPPING_LIFETIME_MIN_SECONDS],
      [0xffff_ffff, 86_400],
    ] as const) {
      const gateway = mapper();
      gateway.handleDatagram(pcpAnswer(gateway.poll(0)!, said, 7_000), 0);
      expect(gateway.deadlineMs).toBe(believed * 500);
    }
  });

  test('a renewal that nobody answers is tried again while the mapping stands; then it has failed', () => {
    const gateway = mapper();
    gateway.handleDatagram(pcpAnswer(gateway.poll(0)!, 3_600, 7_000), 0);
    let nowMs = 0;
    let sends = 0;
    while (gateway.status.state === 'mapped') {
      nowMs = gateway.deadlineMs;
      while (gateway.poll(nowMs) !== undefined) sends++;
      if (nowMs < 3_600_000) expect(gateway.status.externalPort).toBe(7_000);
      expect(nowMs).toBeLessThan(4_000_000);
    }
    expect(sends).toBeGreaterThan(3 * PORT_MAPPING_SENDS_MAX);
  });
});

describe('NAT-PMP', () => {
  test('a router that refuses the version of PCP is asked at once, also for its address', () => {
    const gateway = mapper();
    gateway.poll(0);
    gateway.handleDatagram(NO_PCP, 5);
    const question = gateway.poll(5)!;
    expect([...question.subarray(0, 2)]).toEqual([0, 2]);
    gateway.handleDatagram(natPmpAnswer(question, 3_600, PORT), 9);
    expect([...gateway.poll(9)!]).toEqual([0, 0]);
    gateway.handleDatagram(EXTERNAL_ADDRESS, 12);
    expect(gateway.status).toMatchObject({
      state: 'mapped',
      method: 'nat-pmp',
      externalPort: PORT,
      externalAddress: '203.0.113.9',
    });
    expect(gateway.deadlineMs).toBe(9 + 1_800_000);
    const farewell = gateway.release()!;
    expect([...farewell.subarray(6)]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test('is tried after PCP has had no answer; who answers neither is silent', () => {
    const gateway = mapper();
    const sent = silence(gateway);
    expect(sent.map(({ version }) => version)).toEqual([
      ...Array(PORT_MAPPING_SENDS_MAX).fill(2),
      ...Array(PORT_MAPPING_SENDS_MAX).fill(0),
    ]);
    expect(sent.slice(0, 4).map(({ atMs }) => atMs)).toEqual([0, 250, 750, 1_750]);
    expect(gateway.status.message).toBe('the router does not answer');
  });

  test('is nothing for IPv6', () => {
    const sent = silence(mapper('2001:db8::2'));
    expect(sent.map(({ version }) => version)).toEqual(Array(PORT_MAPPING_SENDS_MAX).fill(2));
  });
});

test('whatever a router sends and when, questions end, and no more than a few are sent in ten minutes', () => {
  const random = seededRandom(7);
  for (let round = 0; round < 200; round++) {
    const gateway = mapper();
    let nowMs = 0;
    let sends = 0;
    for (let step = 0; step < 200; step++) {
      nowMs = Math.max(nowMs, gateway.deadlineMs);
      const question = gateway.poll(nowMs);
      if (question === undefined) continue;
      sends++;
      const answers = [NO_PCP, EXTERNAL_ADDRESS, natPmpAnswer(question, randomBelow(random, 5), 5)];
      if (question.length === 60) answers.push(pcpAnswer(question, 9, 7_000, randomBelow(random, 14)));
      const answer = answers[randomBelow(random, answers.length)]!.slice();
      if (randomBelow(random, 3) === 0) answer[randomBelow(random, answer.length)] = randomBelow(random, 256);
      gateway.handleDatagram(answer, nowMs);
    }
    expect(sends / (nowMs / 60_000 + 1)).toBeLessThan(2 * PORT_MAPPING_SENDS_MAX);
  }
});
