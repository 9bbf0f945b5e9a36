import { expect, test } from 'vitest';
import { bestMapping, type MappingStatus, SILENT_ROUTER } from './mapping-status.ts';

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

test('two failures are told together, silence only when there is nothing else', () => {
  const silent = [status('failed', 'pcp', SILENT_ROUTER), status('failed', 'upnp', SILENT_ROUTER)] as const;
  expect(bestMapping(...silent)).toBe(silent[0]);
  expect(bestMapping(silent[0], status('failed', 'upnp', 'no'))).toMatchObject({ method: 'upnp', message: 'no' });
  expect(bestMapping(status('failed', 'pcp', 'no'), silent[1])).toMatchObject({ method: 'pcp', message: 'no' });
  expect(bestMapping(status('failed', 'pcp', 'no'), status('failed', 'upnp', 'never')).message).toBe(
    'no; by UPnP: never',
  );
});
