// Searching for UPnP devices (UPnP Device Architecture 1.1, section 1.3): a question to everybody on the local network, and
// the answers. A codec only; anybody there may answer anything.
import { SSDP_DATAGRAM_MAX_BYTES } from '../limits.ts';

export const SSDP_GROUP = '239.255.255.250';
export const SSDP_PORT = 1_900;
/** Seconds within which devices are asked to answer. */
export const SSDP_ANSWER_SECONDS = 2;

/** What is searched for. Devices of version 2 answer searches for version 1; some answer for their services alone. */
export const SSDP_TARGETS = [
  'urn:schemas-upnp-org:device:InternetGatewayDevice:2',
  'urn:schemas-upnp-org:device:InternetGatewayDevice:1',
  'urn:schemas-upnp-org:service:WANIPConnection:1',
  'urn:schemas-upnp-org:service:WANPPPConnection:1',
] as const;

const STATUS_LINE = /^HTTP\/1\.[01] 200(?: |$)/;
const TARGET = /^urn:schemas-upnp-org:(?:device:InternetGatewayDevice|service:WAN(?:IP|PPP)Connection):\d{1,3}$/;
/** Header lines read. */
const LINES_MAX = 64;

export function encodeSsdpSearch(target: string): Uint8Array {
  const lines = [
    'M-SEARCH * HTTP/1.1',
    `HOST: ${SSDP_GROUP}:${SSDP_PORT}`,
    'MAN: "ssdp:discover"',
    `MX: ${SSDP_ANSWER_SECONDS}`,
    `ST: ${target}`,
  ];
  return Uint8Array.from(`${lines.join('\r\n')}\r\n\r\n`, (character) => character.charCodeAt(0));
}

/** Where a device that may map ports describes itself, as it was written; undefined for any other answer. */
export function decodeSsdpAnswer(datagram: Uint8Array): string | undefined {
  if (datagram.length > SSDP_DATAGRAM_MAX_BYTES) return undefined;
  const [status = '', ...lines] = String.fromCharCode(...datagram).split(/\r?\n/, LINES_MAX);
  if (!STATUS_LINE.test(status)) return undefined;
  let location: string | undefined;
  let isWanted = false;
  for (const line of lines) {
    if (line === '') break;
    const colon = line.indexOf(':');
    const value = line.slice(colon + 1).trim();
    const header = line.slice(0, Math.max(0, colon)).trim().toLowerCase();
    if (header === 'location') location = value;
    else if (header === 'st') isWanted = TARGET.test(value);
  }
  return isWanted ? location : undefined;
}
