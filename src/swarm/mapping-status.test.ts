import { expect, test } from 'vitest';
import { bestMapping, type MappingStatus } from './mapping-status.ts';

function status(state: MappingStatus['state'], method: MappingStatus['method'], message?: string): MappingStatus {
  return { state, method, externalPort: undefined, externalAddress: undefined, message };
}

test('a mapping is told before a hope, a hope before a failure, and of two alike the first', () => {
  const [pcpMapped, upnpMapped] = [status('mapped', 'pcp'), status('mapped', 'upnp')];
  expect(bestMapping(pcpMapped, upnpMapped)).toBe(pcpMapped);
  expect(bestMapping(status('asking', 'pcp'), upnpMapped)).toBe(upnpMapped);
  expect(bestMapping(status('failed', 'pcp', 'no'), upnpMapped)).toBe(upnpMapped);
  expect(bestMapping(status('failed', 'pcp', 'no'), status('asking', 'upnp')).state).toBe('asking');
});

test('two failures are told together when they differ', () => {
  expect(bestMapping(status('failed', 'pcp', 'no'), status('failed', 'upnp', 'no')).message).toBe('no');
  expect(bestMapping(status('failed', 'pcp', 'no'), status('failed', 'upnp', 'never')).message).toBe(
    'no; by UPnP: never',
  );
});
