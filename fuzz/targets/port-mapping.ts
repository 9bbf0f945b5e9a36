// Answers of routers: what decodes is within its bounds, and a mapper that hears anything at any time stays within its own.
import { hexToBytes } from '../../src/base/bytes.ts';
import { decodeNatPmpAnswer } from '../../src/protocol/port-mapping/nat-pmp.ts';
import { decodePcpAnswer, isPcpVersionRefused } from '../../src/protocol/port-mapping/pcp.ts';
import { GatewayMapper } from '../../src/swarm/gateway-mapper.ts';

export const name = 'port-mapping';

export const seeds: readonly Uint8Array[] = [
  '00820000000000071ae11ae200000e10',
  '0080000000000007cb007109',
  '0081000100000007',
  '0281000000000e1000000007000000000000000000000000' +
    '070707070707070707070707060000001ae11ae200000000000000000000ffffcb007109',
].map((hex) => hexToBytes(hex)!);

export function run(bytes: Uint8Array): void {
  isPcpVersionRefused(bytes);
  decodeNatPmpAnswer(bytes);
  check((decodePcpAnswer(bytes)?.nonce.length ?? 12) === 12, 'a nonce has 12 bytes');
  for (const isNatPmp of [false, true]) {
    const nonce = new Uint8Array(12).fill(7);
    const clientAddress = '192.168.1.2';
    const mapper = new GatewayMapper({ protocol: 'tcp', internalPort: 0x1ae1, clientAddress, nonce, nowMs: 0 });
    mapper.poll(0);
    if (isNatPmp) mapper.handleDatagram(Uint8Array.of(0, 129, 0, 1), 0);
    let nowMs = 0;
    for (let step = 0; step < 4; step++) {
      nowMs = Math.max(nowMs, mapper.deadlineMs);
      mapper.poll(nowMs);
      mapper.handleDatagram(bytes, nowMs);
    }
    const { state, externalPort } = mapper.status;
    check(state !== 'mapped' || (externalPort !== undefined && externalPort > 0), 'what is mapped has a port');
    mapper.release();
    check(mapper.deadlineMs === Number.POSITIVE_INFINITY, 'nothing is due after the farewell');
  }
}

function check(condition: boolean, sentence: string): void {
  if (!condition) throw new Error(`not true: ${sentence}`);
}
