// A port mapping in words.
import type { PortMappingStats } from '../../engine/api.ts';

const METHODS: Readonly<Record<PortMappingStats['method'], string>> = {
  pcp: 'PCP',
  'nat-pmp': 'NAT-PMP',
  upnp: 'UPnP',
};

export function portMappingText(mapping: PortMappingStats): string {
  const { state, method, gateway, protocol, internalPort, externalAddress, externalPort, message } = mapping;
  const port = `${protocol.toUpperCase()} port ${internalPort}`;
  if (state !== 'mapped')
    return `the router ${gateway} has not mapped ${port}: ${message ?? 'it has not answered yet'}`;
  const where = externalAddress === undefined ? `port ${externalPort}` : `${externalAddress}, port ${externalPort}`;
  return `the router ${gateway} has mapped ${port} to ${where} (${METHODS[method]})`;
}
