// Goal: the mapper gets a port of every kind of router there is, believes nobody else, asks within bounds, and takes everything
// back. Method: virtual time; a scripted device answers what the mapper asks.
import { describe, expect, test } from 'vitest';
import { randomBelow, seededRandom } from '../../base/random.ts';
import {
  PORT_MAPPING_LIFETIME_SECONDS,
  PORT_MAPPING_RETRY_MS,
  SSDP_NEIGHBOUR_ANSWERS_MAX,
  UPNP_DEVICES_MAX,
  UPNP_EXCHANGES_MAX,
} from '../../protocol/limits.ts';
import type { MappedProtocol } from '../../protocol/port-mapping/mapped-protocol.ts';
import { ScriptedIgd, searchAnswer } from '../../protocol/port-mapping/testing/scripted-igd.ts';
import { UpnpMapper, type UpnpOutput, type UpnpRequest } from './upnp-mapper.ts';

const GATEWAY = '192.168.1.1';
const CLIENT = '192.168.1.2';
const PORT = 6_881;
const HALF_LIFE_MS = PORT_MAPPING_LIFETIME_SECONDS * 500;
const IGD_1 = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1';

/** A mapper and the devices around it; each answers at once. */
class Bench {
  readonly mapper: UpnpMapper;
  readonly devices = new Map<string, ScriptedIgd>();
  readonly requests: UpnpRequest[] = [];
  searchCount = 0;
  nowMs = 0;

  constructor(devices: Readonly<Record<string, ScriptedIgd>> = {}, protocols: readonly MappedProtocol[] = ['tcp']) {
    for (const [address, device] of Object.entries(devices)) this.devices.set(address, device);
    this.mapper = new UpnpMapper({
      gateway: GATEWAY,
      clientAddress: CLIENT,
      prefixBits: 24,
      internalPort: PORT,
      protocols,
      random: seededRandom(5),
      nowMs: 0,
    });
  }

  /** Until this moment, deadline by deadline. */
  run(untilMs: number): void {
    for (;;) {
      for (let output = this.mapper.poll(this.nowMs); output !== undefined; output = this.mapper.poll(this.nowMs)) {
        this.#answer(output);
      }
      if (this.mapper.deadlineMs > untilMs) break;
      expect(this.mapper.deadlineMs).toBeGreaterThan(this.nowMs);
      this.nowMs = this.mapper.deadlineMs;
    }
    this.nowMs = untilMs;
  }

  perform({ url, body }: UpnpRequest): { status: number; body: Uint8Array } | undefined {
    const { hostname, pathname, search } = new URL(url);
    return this.devices.get(hostname)?.handle(pathname + search, body);
  }

  #answer(output: UpnpOutput): void {
    if (output.type === 'search') {
      this.searchCount++;
      for (const [address, device] of this.devices) {
        const answer = device.answerSearch(output.datagram, address);
        if (answer !== undefined) this.mapper.handleDatagram(answer, address);
      }
      return;
    }
    this.requests.push(output.request);
    const answer = this.perform(output.request);
    if (answer === undefined) this.mapper.handleNoResponse();
    else this.mapper.handleResponse(answer.status, answer.body, this.nowMs);
  }
}

describe('a router', () => {
  test('of version 1 maps both ports, tells its address, renews at half of the lifetime, and takes them back', () => {
    const igd = new ScriptedIgd();
    const bench = new Bench({ [GATEWAY]: igd }, ['tcp', 'udp']);
    bench.run(0);
    expect(igd.asked).toEqual([
      'GET /root.xml',
      'GetExternalIPAddress',
      'AddPortMapping TCP 6881 7200',
      'AddPortMapping UDP 6881 7200',
    ]);
    expect(bench.mapper.status('udp')).toEqual({
      state: 'mapped',
      method: 'upnp',
      externalPort: PORT,
      externalAddress: '203.0.113.9',
      message: undefined,
    });
    expect(igd.mappings.get('TCP 6881')).toEqual({ client: CLIENT, internalPort: PORT, leaseSeconds: 7_200 });
    expect([bench.mapper.isSearching, bench.mapper.deadlineMs]).toEqual([false, HALF_LIFE_MS]);
    bench.run(HALF_LIFE_MS);
    expect(igd.asked.slice(4)).toEqual([
      'GetExternalIPAddress',
      'AddPortMapping TCP 6881 7200',
      'AddPortMapping UDP 6881 7200',
    ]);
    for (const farewell of bench.mapper.release()) bench.perform(farewell);
    expect(igd.mappings.size).toBe(0);
    expect([bench.mapper.poll(1e12), bench.mapper.deadlineMs]).toEqual([undefined, Number.POSITIVE_INFINITY]);
  });

  test('of version 2 chooses another port where ours is taken, and keeps it', () => {
    const igd = new ScriptedIgd({ version: 2, taken: [PORT] });
    const bench = new Bench({ [GATEWAY]: igd });
    bench.run(HALF_LIFE_MS);
    expect(bench.mapper.status('tcp').externalPort).toBe(PORT + 1);
    expect(igd.asked.filter((asked) => asked.startsWith('Add'))).toEqual([
      'AddAnyPortMapping TCP 6881 7200',
      'AddPortMapping TCP 6882 7200',
    ]);
    const older = new Bench({ [GATEWAY]: new ScriptedIgd({ version: 2, lacksAnyPort: true }) });
    older.run(0);
    expect(older.mapper.status('tcp').externalPort).toBe(PORT);
  });

  test('of version 1 that has given our port away is asked for another', () => {
    const igd = new ScriptedIgd({ taken: [PORT] });
    const bench = new Bench({ [GATEWAY]: igd });
    bench.run(0);
    const { externalPort = 0 } = bench.mapper.status('tcp');
    expect(externalPort).toBeGreaterThanOrEqual(49_152);
    expect([...igd.mappings.keys()]).toEqual([`TCP ${externalPort}`]);
  });

  test.each([725, 402, 501])(
    'that refuses an end with error %i maps without one, renewed and taken back all the same',
    (error) => {
      const igd = new ScriptedIgd({ permanentOnlyError: error });
      const bench = new Bench({ [GATEWAY]: igd });
      bench.run(0);
      expect(igd.mappings.get('TCP 6881')?.leaseSeconds).toBe(0);
      bench.run(HALF_LIFE_MS);
      expect(igd.asked.slice(-2)).toEqual(['GetExternalIPAddress', 'AddPortMapping TCP 6881 0']);
      for (const farewell of bench.mapper.release()) bench.perform(farewell);
      expect(igd.mappings.size).toBe(0);
    },
  );

  test('with a line that is not connected is asked over its other one', () => {
    const igd = new ScriptedIgd({ isPpp: true });
    const bench = new Bench({ [GATEWAY]: igd });
    bench.run(0);
    expect(bench.mapper.status('tcp')).toMatchObject({ state: 'mapped', externalAddress: '203.0.113.9' });
    expect(bench.requests.at(-1)?.headers.soapaction).toContain('WANPPPConnection:1#AddPortMapping');
  });

  test('that was switched off and on is found again at another place', () => {
    const bench = new Bench({ [GATEWAY]: new ScriptedIgd() });
    bench.run(0);
    bench.devices.clear();
    bench.run(HALF_LIFE_MS + 10_000);
    expect(bench.mapper.status('tcp').state).toBe('mapped');
    bench.devices.set(GATEWAY, new ScriptedIgd({ version: 2, externalAddress: '203.0.113.77' }));
    bench.run(HALF_LIFE_MS + PORT_MAPPING_RETRY_MS + 20_000);
    expect(bench.mapper.status('tcp')).toMatchObject({ state: 'mapped', externalAddress: '203.0.113.77' });
  });

  test('that is gone for good: the mapping has failed once its time is over', () => {
    const bench = new Bench({ [GATEWAY]: new ScriptedIgd() });
    bench.run(0);
    bench.devices.clear();
    bench.run(2 * HALF_LIFE_MS - 1);
    expect(bench.mapper.status('tcp').state).toBe('mapped');
    bench.run(2 * HALF_LIFE_MS + PORT_MAPPING_RETRY_MS + 20_000);
    expect(bench.mapper.status('tcp')).toMatchObject({ state: 'failed', message: 'the router does not answer' });
  });
});

describe('why there is no mapping', () => {
  test.each([
    ['the router does not answer', undefined],
    ['the router refuses: mapping is switched off', new ScriptedIgd({ refusal: 606 })],
    ['the router refuses: error 799', new ScriptedIgd({ refusal: 799 })],
    ['the router refuses: the port is taken', new ScriptedIgd({ refusal: 718 })],
    ['the router refuses: it has no connection itself', new ScriptedIgd({ externalAddress: '0.0.0.0' })],
    ['the router maps no ports', new ScriptedIgd({ description: '<root/>' })],
    ['the router does not answer as it should', new ScriptedIgd({ description: '<!DOCTYPE a><root/>' })],
  ])('%s', (message, igd) => {
    const bench = new Bench(igd === undefined ? {} : { [GATEWAY]: igd });
    bench.run(20_000);
    expect(bench.mapper.status('tcp')).toMatchObject({ state: 'failed', message });
    expect(bench.mapper.deadlineMs).toBeGreaterThanOrEqual(PORT_MAPPING_RETRY_MS);
    expect(bench.requests.length).toBeLessThanOrEqual(UPNP_EXCHANGES_MAX);
    expect(bench.mapper.release()).toEqual([]);
  });

  test('searches are repeated twice, then not for ten minutes', () => {
    const bench = new Bench();
    bench.run(PORT_MAPPING_RETRY_MS);
    expect(bench.searchCount).toBe(12);
  });
});

describe('others on the network', () => {
  test('a neighbour is asked only when the router has no such device, and a stranger never', () => {
    const neighbour = new ScriptedIgd();
    const bench = new Bench({ '192.168.1.254': neighbour });
    bench.run(5_000);
    expect(bench.requests).toEqual([]);
    bench.run(6_000);
    expect(neighbour.mappings.size).toBe(1);
    const both = new Bench({ '192.168.1.254': new ScriptedIgd(), [GATEWAY]: new ScriptedIgd() });
    both.run(60_000);
    expect(both.devices.get('192.168.1.254')?.asked).toEqual([]);
    const far = new Bench({ '10.0.0.1': new ScriptedIgd() });
    far.run(60_000);
    expect(far.requests).toEqual([]);
  });

  test('a device that names another computer is none', () => {
    const bench = new Bench();
    bench.mapper.poll(0);
    bench.mapper.handleDatagram(searchAnswer(IGD_1, 'http://192.168.1.3:80/'), '192.168.1.4');
    bench.mapper.handleDatagram(searchAnswer(IGD_1, 'http://192.168.1.3:80/'), GATEWAY);
    bench.run(60_000);
    expect(bench.requests).toEqual([]);
  });

  test('ten thousand invented devices neither crowd out the router nor are all asked', () => {
    const bench = new Bench();
    const datagram = bench.mapper.poll(0)!;
    expect(datagram.type).toBe('search');
    for (let i = 0; i < 10_000; i++) {
      bench.mapper.handleDatagram(searchAnswer(IGD_1, `http://192.168.1.66:80/${i}`), '192.168.1.66');
    }
    bench.run(60_000);
    expect(bench.requests).toHaveLength(UPNP_DEVICES_MAX);
    expect(SSDP_NEIGHBOUR_ANSWERS_MAX).toBeLessThan(10_000);
    const late = new Bench();
    late.mapper.poll(0);
    for (let i = 0; i < 10_000; i++) {
      late.mapper.handleDatagram(searchAnswer(IGD_1, `http://192.168.1.66:80/${i}`), '192.168.1.66');
    }
    late.devices.set(GATEWAY, new ScriptedIgd());
    late.run(1_000);
    expect(late.mapper.status('tcp').state).toBe('mapped');
  });

  test('whatever devices say, requests are bounded and end', () => {
    const random = seededRandom(77);
    for (let round = 0; round < 100; round++) {
      const bench = new Bench({}, ['tcp', 'udp']);
      const igd = new ScriptedIgd({ version: 2, taken: [PORT], permanentOnlyError: 725 });
      let requestCount = 0;
      let nowMs = 0;
      for (let step = 0; step < 300 && nowMs < PORT_MAPPING_RETRY_MS; step++) {
        const output = bench.mapper.poll(nowMs);
        if (output === undefined) nowMs = Math.max(nowMs, bench.mapper.deadlineMs);
        else if (output.type === 'search') {
          bench.mapper.handleDatagram(searchAnswer(IGD_1, `http://${GATEWAY}:5000/${step % 9}`), GATEWAY);
        } else {
          requestCount++;
          const { status, body } = igd.handle('/root.xml', output.request.body);
          const edited = body.slice();
          for (let i = randomBelow(random, 3); i > 0; i--)
            edited[randomBelow(random, body.length)] = randomBelow(random, 256);
          if (randomBelow(random, 9) === 0) bench.mapper.handleNoResponse();
          else bench.mapper.handleResponse(randomBelow(random, 5) === 0 ? 500 : status, edited, nowMs);
        }
      }
      expect(requestCount).toBeLessThanOrEqual(UPNP_EXCHANGES_MAX);
      expect(nowMs).toBeGreaterThanOrEqual(PORT_MAPPING_RETRY_MS);
    }
  });
});

describe('beside other ways', () => {
  test('nothing is asked while the port is mapped otherwise, and at once when it is not any more', () => {
    const igd = new ScriptedIgd();
    const bench = new Bench({ [GATEWAY]: igd });
    bench.mapper.setNeeded('tcp', false, 0);
    bench.run(1e9);
    expect([bench.searchCount, igd.asked]).toEqual([0, []]);
    bench.mapper.setNeeded('tcp', true, bench.nowMs);
    bench.run(bench.nowMs);
    expect(bench.mapper.status('tcp').state).toBe('mapped');
  });

  test('what is under way is dropped; a mapping that may have been made meanwhile is taken back', () => {
    const igd = new ScriptedIgd();
    const bench = new Bench({ [GATEWAY]: igd });
    let last: UpnpRequest | undefined;
    while (last?.headers.soapaction?.includes('AddPortMapping') !== true) {
      const output = bench.mapper.poll(0)!;
      if (output.type === 'search') {
        bench.mapper.handleDatagram(igd.answerSearch(output.datagram, GATEWAY) ?? new Uint8Array(0), GATEWAY);
        continue;
      }
      last = output.request;
      const { status, body } = bench.perform(last)!;
      if (last.headers.soapaction?.includes('AddPortMapping') !== true) bench.mapper.handleResponse(status, body, 0);
    }
    bench.mapper.setNeeded('tcp', false, 0);
    bench.mapper.handleNoResponse();
    expect([bench.mapper.poll(0), bench.mapper.deadlineMs]).toEqual([undefined, Number.POSITIVE_INFINITY]);
    expect(igd.mappings.size).toBe(1);
    for (const farewell of bench.mapper.release()) bench.perform(farewell);
    expect(igd.mappings.size).toBe(0);
  });
});
