import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesToHex } from '../../base/bytes.ts';
import { type Random, seededRandom } from '../../base/random.ts';
import { type Contact, createContact } from '../../protocol/dht/contact.ts';
import { compareDistance, randomIdAtDistance, randomNodeId } from '../../protocol/dht/node-id.ts';
import { secureNodeId } from '../../protocol/dht/secure-node-id.ts';
import { parseIpAddress } from '../../protocol/tracker/ip-address.ts';
import { BUCKET_NODES, QUESTIONABLE_MS, RoutingTable } from './routing-table.ts';

const OWN_ID = new Uint8Array(20);
const SMALL = { firstBuckets: [] };

function local(index: number, id: Uint8Array): Contact {
  return createContact(id, { address: `10.0.${index >> 8}.${index & 0xff}`, port: 6881 })!;
}

function publicContact(address: string, id: Uint8Array, port = 6881): Contact {
  return createContact(id, { address, port })!;
}

function fill(table: RoutingTable, sharedBits: number, count: number, random: Random, from = 0): Contact[] {
  return Array.from({ length: count }, (_, i) => {
    const contact = local(from + i, randomIdAtDistance(OWN_ID, sharedBits, random));
    table.handleAnswer(contact, 50, 0);
    return contact;
  });
}

describe('buckets', () => {
  test('only the bucket that holds our own id splits (BEP 5)', () => {
    const random = seededRandom(1);
    const table = new RoutingTable(OWN_ID, 0, SMALL);
    fill(table, 0, 20, random);
    expect([table.size, table.bucketCount]).toEqual([BUCKET_NODES, 2]);
    fill(table, 1, 20, random, 100);
    expect([table.size, table.bucketCount]).toEqual([2 * BUCKET_NODES, 3]);
    fill(table, 60, 8, random, 200);
    expect([table.size, table.bucketCount]).toEqual([3 * BUCKET_NODES, 3]);
    table.assertInvariants();
  });

  test('the first buckets are wider', () => {
    const table = new RoutingTable(OWN_ID, 0);
    const random = seededRandom(1);
    for (const bits of [0, 1, 2, 3, 4, 5]) fill(table, bits, 150, random, bits * 200);
    expect(table.size).toBe(128 + 64 + 32 + 16 + 8 + 8);
    table.assertInvariants();
  });

  test('a node that misses two answers makes room for one that waits; nobody waits: it stays until the fifth', () => {
    const random = seededRandom(2);
    const table = new RoutingTable(OWN_ID, 0, SMALL);
    const [first, second] = fill(table, 0, 9, random) as [Contact, Contact];
    table.handleFailure(first.address, first.port, 1);
    expect(table.nodeAt(first.address, first.port)).toBeDefined();
    table.handleFailure(first.address, first.port, 2);
    expect(table.nodeAt(first.address, first.port)).toBeUndefined();
    expect(table.size).toBe(BUCKET_NODES);
    for (let i = 1; i <= 4; i++) table.handleFailure(second.address, second.port, i);
    expect(table.nodeAt(second.address, second.port)).toBeDefined();
    table.handleFailure(second.address, second.port, 5);
    expect(table.size).toBe(BUCKET_NODES - 1);
    table.assertInvariants();
  });

  test('a node that answers again is as good as before', () => {
    const table = new RoutingTable(OWN_ID, 0, SMALL);
    const [first] = fill(table, 0, 1, seededRandom(2)) as [Contact];
    for (let i = 0; i < 4; i++) table.handleFailure(first.address, first.port, i);
    expect(table.closest(first.compact, 8)).toEqual([]);
    table.handleAnswer(first, 10, 10);
    expect(table.closest(first.compact, 8)).toEqual([first]);
  });

  test('our own id never gets in', () => {
    const table = new RoutingTable(OWN_ID, 0);
    table.handleAnswer(local(1, OWN_ID), 10, 0);
    expect(table.handleQuery(local(1, OWN_ID), 0)).toBe(false);
    expect(table.size).toBe(0);
  });
});

describe('one party cannot fill the table', () => {
  const random = seededRandom(3);
  const id = (): Uint8Array => randomIdAtDistance(OWN_ID, 0, random);

  test('one node for a public address, whatever the port', () => {
    const table = new RoutingTable(OWN_ID, 0);
    for (let port = 1; port < 50; port++) table.handleAnswer(publicContact('203.0.113.5', id(), port), 10, 0);
    expect(table.size).toBe(1);
    table.assertInvariants();
  });

  test('one node for a /24 or /64 in a bucket; another bucket may have one too', () => {
    const table = new RoutingTable(OWN_ID, 0, SMALL);
    for (let i = 1; i < 20; i++) table.handleAnswer(publicContact(`203.0.113.${i}`, id()), 10, 0);
    expect(table.size).toBe(1);
    for (let i = 0; i < 20; i++) fill(table, 1, 1, random, i);
    table.handleAnswer(publicContact('203.0.113.100', randomIdAtDistance(OWN_ID, 40, random)), 10, 0);
    expect(table.nodeAt('203.0.113.100', 6881)).toBeDefined();
    const table6 = new RoutingTable(OWN_ID, 0);
    for (let i = 1; i < 20; i++) table6.handleAnswer(publicContact(`2001:db8:0:1::${i}`, id()), 10, 0);
    expect(table6.size).toBe(1);
  });

  test('an address that shows another id has lost its place, and gets it back by showing that id again', () => {
    const table = new RoutingTable(OWN_ID, 0);
    const [before, after] = [id(), id()];
    table.handleAnswer(publicContact('203.0.113.5', before), 10, 0);
    table.handleAnswer(publicContact('203.0.113.5', after), 10, 1);
    expect(table.size).toBe(0);
    table.handleAnswer(publicContact('203.0.113.5', after), 10, 2);
    expect(table.closest(before, 8).map((contact) => bytesToHex(contact.id))).toEqual([bytesToHex(after)]);
    table.assertInvariants();
  });

  test('ids that fit their addresses take the places of others (BEP 42)', () => {
    const table = new RoutingTable(OWN_ID, 0, SMALL);
    for (let i = 0; i < 8; i++) table.handleAnswer(publicContact(`8.8.${i}.1`, id()), 10, 0);
    fill(table, 1, 1, random);
    let placed = 0;
    for (let i = 0; i < 60; i++) {
      const address = `9.9.${i}.1`;
      const secure = secureNodeId(parseIpAddress(address)!, i & 0xff, random);
      if (secure[0]! < 0x80) continue;
      table.handleAnswer(publicContact(address, secure), 10, 1);
      if (table.nodeAt(address, 6881) !== undefined) placed++;
    }
    expect(placed).toBe(8);
    table.handleAnswer(publicContact('8.8.77.1', id()), 10, 2);
    expect(table.nodeAt('8.8.77.1', 6881)).toBeUndefined();
    table.assertInvariants();
  });
});

test('where few ids fit their addresses, half of the places are kept for those that do', () => {
  const random = seededRandom(9);
  const target = randomNodeId(random);
  const table = new RoutingTable(OWN_ID, 0);
  for (let i = 0; i < 30; i++) table.handleAnswer(publicContact(`8.8.${i}.8`, randomNodeId(random)), 10, 0);
  const fitting = Array.from({ length: 5 }, (_, i) => local(i, randomIdAtDistance(target, 0, random)));
  for (const contact of fitting) table.handleAnswer(contact, 10, 0);
  expect(table.closest(target, 8).filter(({ isSecure }) => isSecure)).toHaveLength(4);
});

test('where most ids fit their addresses, others are named only when there are not enough', () => {
  const random = seededRandom(8);
  const target = randomNodeId(random);
  const table = new RoutingTable(OWN_ID, 0);
  const near = publicContact('8.8.8.8', randomIdAtDistance(target, 60, random));
  table.handleAnswer(near, 10, 0);
  expect(table.closest(target, 8)).toEqual([near]);
  for (let i = 0; i < 7; i++) table.handleAnswer(local(i, randomNodeId(random)), 10, 0);
  expect(table.closest(target, 8)[0]).toBe(near);
  table.handleAnswer(local(7, randomNodeId(random)), 10, 0);
  expect(table.closest(target, 8)).not.toContain(near);
  expect(table.closest(target, 9)[0]).toBe(near);
});

test('a node that asks us is wanted only while there is a place for it', () => {
  const random = seededRandom(4);
  const table = new RoutingTable(OWN_ID, 0, SMALL);
  const nodes = fill(table, 0, 8, random);
  fill(table, 1, 1, random, 50);
  const other = local(99, randomIdAtDistance(OWN_ID, 0, random));
  expect(table.handleQuery(nodes[0]!, 5)).toBe(false);
  expect(table.handleQuery(other, 5)).toBe(false);
  for (let i = 0; i < 2; i++) table.handleFailure(nodes[1]!.address, nodes[1]!.port, 6);
  expect(table.handleQuery(other, 7)).toBe(true);
});

test('the node that has been left alone longest is asked first, once it is questionable', () => {
  const table = new RoutingTable(OWN_ID, 0);
  const [first, second] = fill(table, 0, 2, seededRandom(5)) as [Contact, Contact];
  expect(table.nodeToAsk(QUESTIONABLE_MS - 1)).toBeUndefined();
  table.handleAsked(first.address, first.port, 5);
  expect(table.nodeToAsk(QUESTIONABLE_MS)?.contact).toBe(second);
  table.handleQuery(second, QUESTIONABLE_MS);
  expect(table.nodeToAsk(QUESTIONABLE_MS)?.contact).toBe(first);
});

test('a bucket that nothing happens in is refreshed', () => {
  const table = new RoutingTable(OWN_ID, 0, SMALL);
  const random = seededRandom(6);
  fill(table, 0, 9, random);
  expect(table.bucketToRefresh(999, 1_000)).toBeUndefined();
  expect(table.bucketToRefresh(1_000, 1_000)).toBe(0);
  table.handleRefreshed(0, 1_000);
  expect(table.bucketToRefresh(1_000, 1_000)).toBe(1);
});

// Goal: the nearest nodes are found and no rule breaks, whatever happens. Method: random histories beside a plain list.
test('closest agrees with sorting everything, and the invariants hold', () => {
  const step = fc.record({
    index: fc.nat(120),
    bits: fc.nat(12),
    what: fc.constantFrom(
      'answer' as const,
      'answer' as const,
      'answer' as const,
      'failure' as const,
      'query' as const,
    ),
    isPublic: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 250 }), fc.nat(), (steps, seed) => {
      const random = seededRandom(seed);
      const own = randomNodeId(random);
      let table = new RoutingTable(own, 0, { firstBuckets: [16, 8, 4], nodesPerNetworkMax: 2 });
      for (const [nowMs, { index, bits, what, isPublic }] of steps.entries()) {
        // Local addresses, which count as fitting: of others fewer are named.
        const address = isPublic ? `fd00:${index % 8}::${index}` : `10.0.0.${index}`;
        const contact = publicContact(address, randomIdAtDistance(own, bits, seededRandom(index)));
        if (what === 'answer') table.handleAnswer(contact, 10, nowMs);
        else if (what === 'failure') table.handleFailure(contact.address, contact.port, nowMs);
        else table.handleQuery(contact, nowMs);
        table.assertInvariants();
      }
      if (seed % 2 === 0) table = table.withOwnId(randomNodeId(random), 0);
      table.assertInvariants();
      const target = randomNodeId(random);
      const sorted = [...table.nodes()]
        .filter(({ failureCount }) => failureCount === 0)
        .map(({ contact }) => contact)
        .sort((left, right) => compareDistance(target, left.compact, right.compact));
      expect(table.closest(target, 8)).toEqual(sorted.slice(0, 8));
    }),
    { numRuns: 100 },
  );
});
