import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../../base/random.ts';
import { type Contact, createContact } from '../../protocol/dht/contact.ts';
import { compareDistance, randomIdAtDistance, randomNodeId } from '../../protocol/dht/node-id.ts';
import { secureNodeId } from '../../protocol/dht/secure-node-id.ts';
import { DHT_LOOKUP_NODES_MAX } from '../../protocol/limits.ts';
import { parseIpAddress } from '../../protocol/tracker/ip-address.ts';
import { LOOKUP_RULES, Lookup, type LookupNode } from './lookup.ts';

const random = seededRandom(1);
const ownId = randomNodeId(random);
const target = randomNodeId(random);
const TOKEN = new Uint8Array(4);

function contactAt(sharedBits: number, address: string): Contact {
  return createContact(randomIdAtDistance(target, sharedBits, random), { address, port: 6881 })!;
}

/** Local addresses: their ids always fit. */
function near(sharedBits: number, index: number): Contact {
  return contactAt(sharedBits, `10.0.${index >> 8}.${index & 255}`);
}

function lookupOf(contacts: readonly Contact[], enforcesIds = false): Lookup {
  const lookup = new Lookup({ target, ownId, enforcesIds });
  lookup.addContacts(contacts);
  return lookup;
}

function askAll(lookup: Lookup, nowMs: number): LookupNode[] {
  const asked: LookupNode[] = [];
  for (let node = lookup.next(nowMs); node !== undefined; node = lookup.next(nowMs)) asked.push(node);
  return asked;
}

function answer(lookup: Lookup, node: LookupNode, named: readonly Contact[] = []): void {
  lookup.handleAnswer(node, node.contact!, named, TOKEN);
}

/** Everyone answers at once and names nobody, until the look-up asks no more. */
function finish(lookup: Lookup, nowMs: number): LookupNode[] {
  const all: LookupNode[] = [];
  for (let asked = askAll(lookup, nowMs); asked.length > 0; asked = askAll(lookup, nowMs)) {
    for (const node of asked) answer(lookup, node);
    all.push(...asked);
    lookup.assertInvariants();
  }
  return all;
}

test('the nearest are asked first, five at once, and the look-up ends when the nearest eight have answered', () => {
  const contacts = Array.from({ length: 20 }, (_, i) => near(i, i));
  const lookup = lookupOf(contacts);
  const asked = askAll(lookup, 0);
  expect(asked.map(({ contact }) => contact)).toEqual(contacts.slice(15).reverse());
  expect(lookup.isDone(0)).toBe(false);
  for (const node of asked) answer(lookup, node);
  expect(finish(lookup, 1)).toHaveLength(3);
  expect(lookup.isDone(1)).toBe(true);
  expect(lookup.nearest().map(({ contact }) => contact)).toEqual(contacts.slice(12).reverse());
  expect([lookup.queryCount, lookup.answerCount]).toEqual([8, 8]);
});

test('nodes that are named and nearer are asked before those that were known', () => {
  const lookup = lookupOf([near(2, 1), near(1, 2)]);
  const [first] = askAll(lookup, 0);
  const nearer = near(30, 3);
  answer(lookup, first!, [nearer, near(0, 4)]);
  expect(lookup.next(1)?.contact).toBe(nearer);
  expect(lookup.nearest()[0]?.hopCount).toBe(0);
});

test('a slow node makes room for another after a second, and is still heard', () => {
  const lookup = lookupOf(Array.from({ length: 8 }, (_, i) => near(20 - i, i)));
  const asked = askAll(lookup, 0);
  expect(lookup.deadlineMs).toBe(LOOKUP_RULES.slowMs);
  lookup.handleDeadline(LOOKUP_RULES.slowMs - 1);
  expect(lookup.next(LOOKUP_RULES.slowMs - 1)).toBeUndefined();
  lookup.handleDeadline(LOOKUP_RULES.slowMs);
  const more = askAll(lookup, LOOKUP_RULES.slowMs);
  expect(more).toHaveLength(3);
  for (const node of [...asked, ...more]) answer(lookup, node);
  expect(lookup.isDone(LOOKUP_RULES.slowMs)).toBe(true);
  expect(lookup.deadlineMs).toBe(Infinity);
});

test('an overdue node does not hold the look-up up when eight others have answered', () => {
  const lookup = lookupOf(Array.from({ length: 9 }, (_, i) => near(20 - i, i)));
  const asked = askAll(lookup, 0);
  for (const node of asked.slice(1)) answer(lookup, node);
  finish(lookup, 0);
  lookup.handleDeadline(LOOKUP_RULES.slowMs);
  finish(lookup, LOOKUP_RULES.slowMs);
  expect(lookup.isDone(LOOKUP_RULES.overdueMs - 1)).toBe(false);
  expect(lookup.isDone(LOOKUP_RULES.overdueMs)).toBe(true);
  expect(lookup.nearest()).toHaveLength(8);
});

test('a look-up among few nodes ends when all have answered or failed', () => {
  const lookup = lookupOf([near(1, 1), near(2, 2)]);
  const [first, second] = askAll(lookup, 0) as [LookupNode, LookupNode];
  answer(lookup, first);
  expect(lookup.isDone(99_999)).toBe(false);
  lookup.handleFailure(second);
  expect(lookup.isDone(0)).toBe(true);
  expect(lookup.nearest()).toEqual([first]);
});

test('an address is asked without its id, and takes its place among the nodes when it tells it', () => {
  const lookup = lookupOf([]);
  expect(lookup.isEmpty).toBe(true);
  lookup.addAddresses([{ address: '10.1.1.1', port: 1 }]);
  const node = lookup.next(0)!;
  expect(node.contact).toBeUndefined();
  const contact = contactAt(5, '10.1.1.1');
  lookup.handleAnswer(node, contact, [near(9, 1)], TOKEN);
  expect(lookup.nearest()[0]?.contact).toBe(contact);
  expect(finish(lookup, 0)).toHaveLength(1);
  lookup.assertInvariants();
});

test('a node that answers under another id than it was said to have is not believed', () => {
  const lookup = lookupOf([near(9, 1)]);
  const node = lookup.next(0)!;
  lookup.handleAnswer(node, near(30, 1), [near(40, 2)], TOKEN);
  expect(lookup.isDone(0)).toBe(true);
  expect(lookup.nearest()).toEqual([]);
});

test('one node for a public address and one for its network; a false one gives the network back', () => {
  const lookup = lookupOf([
    contactAt(9, '80.1.1.1'),
    contactAt(8, '80.1.1.1'),
    contactAt(7, '80.1.1.2'),
    contactAt(6, '80.1.2.1'),
  ]);
  const asked = askAll(lookup, 0);
  expect(asked.map(({ endpoint }) => endpoint.address)).toEqual(['80.1.1.1', '80.1.2.1']);
  lookup.handleFailure(asked[0]!);
  lookup.addContacts([contactAt(7, '80.1.1.2')]);
  expect(lookup.next(0)?.endpoint.address).toBe('80.1.1.2');
});

test('a node that has named three nodes that are not there is not believed, unless one of its nodes is', () => {
  const liar = near(5, 1);
  const run = (trueNames: number): number => {
    const lookup = lookupOf([liar]);
    answer(
      lookup,
      lookup.next(0)!,
      Array.from({ length: 12 }, (_, i) => near(20 + i, 100 + i)),
    );
    let askedCount = 0;
    for (let node = lookup.next(0); node !== undefined; node = lookup.next(0)) {
      if (askedCount++ < trueNames) answer(lookup, node);
      else lookup.handleFailure(node);
    }
    expect(lookup.isDone(0)).toBe(true);
    return askedCount;
  };
  expect(run(0)).toBe(3);
  expect(run(1)).toBe(12);
});

test('nodes whose ids do not fit are asked so often and do not count, unless there are no others', () => {
  const strangers = Array.from({ length: 60 }, (_, i) => contactAt(60, `81.${i}.1.1`));
  const fitting = Array.from({ length: 10 }, (_, i) => {
    const address = `90.${i}.7.1`;
    return createContact(secureNodeId(parseIpAddress(address)!, i, random), { address, port: 6881 })!;
  });
  const counts = (asked: readonly LookupNode[]): number[] => [
    asked.filter(({ contact }) => !contact!.isSecure).length,
    asked.filter(({ contact }) => contact!.isSecure).length,
  ];
  const strict = lookupOf([...strangers, ...fitting], true);
  expect(counts(finish(strict, 0))).toEqual([LOOKUP_RULES.insecureAskedStrictMax, 8]);
  expect(counts(strict.nearest())).toEqual([8, 8]);
  expect(counts(finish(lookupOf([...strangers, ...fitting]), 0))).toEqual([LOOKUP_RULES.insecureAskedMax, 8]);
  expect(counts(finish(lookupOf(strangers, true), 0))).toEqual([8, 0]);
});

test('only nodes that gave a token are nodes to store at', () => {
  const lookup = lookupOf(Array.from({ length: 8 }, (_, i) => near(20 - i, i)));
  let index = 0;
  for (let asked = askAll(lookup, 0); asked.length > 0; asked = askAll(lookup, 0)) {
    for (const node of asked) lookup.handleAnswer(node, node.contact!, [], index++ % 2 === 0 ? TOKEN : undefined);
  }
  expect(lookup.nearest()).toHaveLength(8);
  expect(lookup.nearest({ withToken: true })).toHaveLength(4);
});

test('a look-up remembers so many nodes and no more: the farthest go', () => {
  const lookup = lookupOf(Array.from({ length: DHT_LOOKUP_NODES_MAX + 50 }, (_, i) => near(i % 100, i)));
  lookup.assertInvariants();
});

// Goal: whatever answers, the look-up ends, and with the nearest nodes of those that were reachable and true.
test('in a network of true nodes it finds the nearest', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 150 }), fc.nat(), (count, seed) => {
      const draw = seededRandom(seed);
      const all = Array.from(
        { length: count },
        (_, i) => createContact(randomNodeId(draw), { address: `10.0.0.${i}`, port: 1 })!,
      );
      const closestTo = (to: Uint8Array): Contact[] =>
        [...all].sort((left, right) => compareDistance(to, left.compact, right.compact)).slice(0, 8);
      const lookup = lookupOf([all[seed % count]!]);
      for (let asked = askAll(lookup, 0); asked.length > 0; asked = askAll(lookup, 0)) {
        for (const node of asked) answer(lookup, node, closestTo(target));
      }
      expect(lookup.isDone(0)).toBe(true);
      expect(lookup.nearest().map(({ contact }) => contact)).toEqual(closestTo(target));
    }),
    { numRuns: 50 },
  );
});
