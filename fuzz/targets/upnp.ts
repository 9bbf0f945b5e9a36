// What a UPnP router, or anybody who claims to be one, may say: a search's answer, a description, an answer of SOAP. What decodes
// is within its bounds and leads nowhere else; a mapper that hears anything at any time stays within its own.
import { encodeUtf8 } from '../../src/base/bytes.ts';
import { seededRandom } from '../../src/base/random.ts';
import { UPNP_EXCHANGES_MAX, UPNP_SERVICES_MAX, XML_DEPTH_MAX } from '../../src/protocol/limits.ts';
import { decodeDeviceDescription } from '../../src/protocol/port-mapping/device-description.ts';
import { formatDeviceUrl, parseDeviceUrl } from '../../src/protocol/port-mapping/device-url.ts';
import { decodeSoapAnswer } from '../../src/protocol/port-mapping/soap.ts';
import { decodeSsdpAnswer } from '../../src/protocol/port-mapping/ssdp.ts';
import { describe, fault, response, searchAnswer } from '../../src/protocol/port-mapping/testing/scripted-igd.ts';
import { readXml, type XmlElement } from '../../src/protocol/port-mapping/xml.ts';
import { UpnpMapper } from '../../src/swarm/upnp/upnp-mapper.ts';

export const name = 'upnp';

const GATEWAY = '192.168.1.1';
const TYPE = 'urn:schemas-upnp-org:service:WANIPConnection:2';
const LOCATION = `http://${GATEWAY}:5000/root.xml`;
const SEARCH_ANSWER = searchAnswer('urn:schemas-upnp-org:device:InternetGatewayDevice:1', LOCATION);
const DESCRIPTION = encodeUtf8(describe({ version: 2 }));
const ADDRESS = encodeUtf8(response('GetExternalIPAddress', TYPE, { NewExternalIPAddress: '203.0.113.9' }));

export const seeds: readonly Uint8Array[] = [
  SEARCH_ANSWER,
  DESCRIPTION,
  encodeUtf8(describe({ isPpp: true })),
  ADDRESS,
  encodeUtf8(response('AddAnyPortMapping', TYPE, { NewReservedPort: '6882' })),
  encodeUtf8(response('AddPortMapping', TYPE, {})),
  encodeUtf8(fault(725)),
  encodeUtf8(fault(718)),
  encodeUtf8('<a b="c"><![CDATA[<]]>&#x41;&amp;<!-- d --><?e f?></a>'),
];

export function run(bytes: Uint8Array): void {
  const root = readXml(bytes);
  check(root === undefined || depthOf(root) <= XML_DEPTH_MAX, 'XML is as deep as it may be');
  const url = parseDeviceUrl(decodeSsdpAnswer(bytes) ?? '');
  if (url !== undefined) {
    check(
      JSON.stringify(parseDeviceUrl(formatDeviceUrl(url))) === JSON.stringify(url),
      'an address is read as written',
    );
  }
  const services = decodeDeviceDescription(bytes, parseDeviceUrl(LOCATION)!) ?? [];
  check(services.length <= UPNP_SERVICES_MAX, 'services are bounded');
  for (const { controlUrl } of services) check(controlUrl.host === GATEWAY, 'a device names itself alone');
  decodeSoapAnswer(bytes, 'AddPortMapping');
  // The input takes the place of all answers from one of them on.
  drive(bytes, bytes.length % 4);
}

/** A mapper that hears `bytes` from its answer number `place` on; 0 is that to the search. */
function drive(bytes: Uint8Array, place: number): void {
  const mapper = new UpnpMapper({
    gateway: GATEWAY,
    clientAddress: '192.168.1.2',
    prefixBits: 24,
    internalPort: 6_881,
    protocols: ['tcp', 'udp'],
    random: seededRandom(7),
    nowMs: 0,
  });
  const said = [SEARCH_ANSWER, DESCRIPTION, ADDRESS];
  let requestCount = 0;
  let nowMs = 0;
  for (let step = 0; step < 200 && nowMs < 60_000; step++) {
    const output = mapper.poll(nowMs);
    if (output === undefined) nowMs = Math.max(nowMs, mapper.deadlineMs);
    else if (output.type === 'search') mapper.handleDatagram(place === 0 ? bytes : SEARCH_ANSWER, GATEWAY);
    else {
      requestCount++;
      check(output.request.url.startsWith(`http://${GATEWAY}:`), 'nobody else is asked');
      const answer = requestCount >= place ? bytes : said[requestCount]!;
      mapper.handleResponse(200, answer, nowMs);
      mapper.handleResponse(200, answer, nowMs);
    }
  }
  check(requestCount <= UPNP_EXCHANGES_MAX, 'requests are bounded');
  check(nowMs >= 60_000 || mapper.deadlineMs > nowMs, 'it comes to rest');
  const { state, externalPort } = mapper.status('tcp');
  check(state !== 'mapped' || (externalPort !== undefined && externalPort > 0), 'what is mapped has a port');
  mapper.release();
  check(mapper.deadlineMs === Number.POSITIVE_INFINITY, 'nothing is due after the farewell');
}

function depthOf(element: XmlElement): number {
  return 1 + Math.max(0, ...element.children.map(depthOf));
}

function check(condition: boolean, sentence: string): void {
  if (!condition) throw new Error(`not true: ${sentence}`);
}
