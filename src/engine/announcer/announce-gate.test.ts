import { expect, test } from 'vitest';
import { TRACKER_CONCURRENT_MAX } from '../../protocol/limits.ts';
import { AnnounceGate, type GateTicket } from './announce-gate.ts';

test.each([TRACKER_CONCURRENT_MAX - 1, TRACKER_CONCURRENT_MAX, TRACKER_CONCURRENT_MAX + 1])(
  '%i announces at once',
  (count) => {
    const gate = new AnnounceGate();
    let enteredCount = 0;
    const tickets = Array.from({ length: count }, () => gate.enter(() => enteredCount++, { urgent: false }));
    expect(enteredCount).toBe(Math.min(count, TRACKER_CONCURRENT_MAX));
    tickets[0]!.leave();
    tickets[0]!.leave();
    expect(enteredCount).toBe(count);
  },
);

test('urgent ones come first, then in the order of arrival; who leaves the queue does not enter', () => {
  const gate = new AnnounceGate(1);
  const entered: string[] = [];
  const tickets = new Map<string, GateTicket>();
  const enter = (name: string, urgent: boolean): void => {
    tickets.set(
      name,
      gate.enter(() => entered.push(name), { urgent }),
    );
  };
  enter('first', false);
  enter('second', false);
  enter('third', false);
  enter('gone', false);
  enter('urgent', true);
  tickets.get('gone')!.leave();
  for (let i = 0; i < 4; i++) tickets.get(entered[i]!)!.leave();
  expect(entered).toEqual(['first', 'urgent', 'second', 'third']);
});
