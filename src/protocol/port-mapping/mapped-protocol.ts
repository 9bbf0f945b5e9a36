// What a router can map a port of, and where routers listen for such wishes (NAT-PMP and PCP alike).

export type MappedProtocol = 'tcp' | 'udp';

export const PORT_CONTROL_PORT = 5351;
