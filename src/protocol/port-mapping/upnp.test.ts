// Goal: the codecs of UPnP read what home routers write, and refuse what is dangerous or too much. The descriptions are in the
// style of real devices.
import fc from 'fast-check';
import { describe as describeTests, expect, test } from 'vitest';
import { decodeUtf8Lenient, encodeUtf8 } from '../../base/bytes.ts';
import {
  SSDP_DATAGRAM_MAX_BYTES,
  UPNP_BODY_MAX_BYTES,
  UPNP_SERVICES_MAX,
  XML_DEPTH_MAX,
  XML_TOKENS_MAX,
} from '../limits.ts';
import { decodeDeviceDescription } from './device-description.ts';
import { formatDeviceUrl, parseDeviceUrl, resolveDeviceUrl } from './device-url.ts';
import { decodeSoapAnswer, encodeSoapRequest, soapHeaders } from './soap.ts';
import { decodeSsdpAnswer, encodeSsdpSearch, SSDP_TARGETS } from './ssdp.ts';
import { describe, fault, response, searchAnswer } from './testing/scripted-igd.ts';
import { readXml, type XmlElement } from './xml.ts';

const read = (text: string): XmlElement | undefined => readXml(encodeUtf8(text));
const LOCATION = parseDeviceUrl('http://192.168.1.1:5000/upnp/root.xml?v=1')!;
const IGD_1 = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1';

describeTests('XML', () => {
  test('elements, their own text, references, CDATA, comments, instructions, attributes', () => {
    expect(
      read(`\u{feff}<?xml version="1.0"?>\n<!-- a > b --><s:a x = 'it"s' y="1"> p &amp;lt; &#65;&#x42; &other; &
        <b/><c:d e="/">q<![CDATA[<&amp;>]]></c:d > r </s:a>garbage <`),
    ).toEqual({
      name: 'a',
      text: expect.stringMatching(/^p &lt; AB &other; &\s+r$/),
      children: [
        { name: 'b', text: '', children: [] },
        { name: 'd', text: 'q<&amp;>', children: [] },
      ],
    });
  });

  test.each([
    '',
    'text',
    'text<a></a>',
    '<a>',
    '<a></b>',
    '<a><b></a></b>',
    '</a>',
    '<a x=1></a>',
    '<a x="<"></a>',
    '<a x="1></a>',
    '<1></1>',
    '<a><!-- </a>',
    '<a><![CDATA[ </a>',
    '<![CDATA[x]]><a></a>',
    '<!DOCTYPE a><a></a>',
    '<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>',
    '<a><!ENTITY b "bbbb"></a>',
  ])('%j is refused', (text) => {
    expect(read(text)).toBeUndefined();
  });

  test('what nests too deep, has too many parts or is too long is refused', () => {
    const nested = (depth: number): string => '<a>'.repeat(depth) + '</a>'.repeat(depth);
    expect(read(nested(XML_DEPTH_MAX))).toBeDefined();
    expect(read(nested(XML_DEPTH_MAX + 1))).toBeUndefined();
    const wide = (count: number): string => `<a>${'<b/>'.repeat(count)}</a>`;
    expect(read(wide(XML_TOKENS_MAX - 2))?.children).toHaveLength(XML_TOKENS_MAX - 2);
    expect(read(wide(XML_TOKENS_MAX - 1))).toBeUndefined();
    const long = (length: number): string => `<a>${'x'.repeat(length - 7)}</a>`;
    expect(read(long(UPNP_BODY_MAX_BYTES))).toBeDefined();
    expect(read(long(UPNP_BODY_MAX_BYTES + 1))).toBeUndefined();
  });

  test('what is written by the rules is read as it was meant', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/);
    const quote = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
    const treeOf = (depth: number): fc.Arbitrary<XmlElement> =>
      fc.record({
        name,
        text: fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replace(/\r/g, '').trim()),
        children: depth === 1 ? fc.constant([]) : fc.array(treeOf(depth - 1), { maxLength: 3 }),
      });
    const write = ({ name: tag, text, children }: XmlElement): string =>
      `<p:${tag} a="${quote(text)}">${quote(text)}${children.map(write).join('<!-- -->')}</p:${tag}>`;
    fc.assert(
      fc.property(treeOf(4), (element) => {
        expect(read(write(element))).toEqual(element);
      }),
    );
  });

  test('every beginning is refused; random edits and bytes never throw', () => {
    const bytes = encodeUtf8(describe({}).trimEnd());
    for (let end = 0; end < bytes.length; end++) expect(readXml(bytes.subarray(0, end))).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(bytes.length), fc.boolean(), (patch, at, isAlone) => {
        const edited = bytes.slice();
        edited.set(patch.subarray(0, edited.length - at), at);
        readXml(isAlone ? patch : edited);
      }),
    );
  });
});

describeTests('SSDP', () => {
  test('a search is what the architecture says', () => {
    expect(decodeUtf8Lenient(encodeSsdpSearch(SSDP_TARGETS[1]))).toBe(
      `M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nMX: 2\r\nST: ${IGD_1}\r\n\r\n`,
    );
  });

  test('the place of the description is read, in whatever case and order the headers are', () => {
    const location = 'http://192.168.1.1:5000/root.xml';
    expect(decodeSsdpAnswer(searchAnswer(IGD_1, location))).toBe(location);
    const bare = `HTTP/1.0 200 OK\nlocation:${location} \nst:urn:schemas-upnp-org:service:WANPPPConnection:1\n`;
    expect(decodeSsdpAnswer(encodeUtf8(bare))).toBe(location);
  });

  test.each([
    `NOTIFY * HTTP/1.1\r\nST: ${IGD_1}\r\nLOCATION: http://192.168.1.1/\r\n\r\n`,
    `HTTP/1.1 404 Not Found\r\nST: ${IGD_1}\r\nLOCATION: http://192.168.1.1/\r\n\r\n`,
    'HTTP/1.1 200 OK\r\nLOCATION: http://192.168.1.1/\r\n\r\n',
    `HTTP/1.1 200 OK\r\nST: ${IGD_1}\r\n\r\nLOCATION: http://192.168.1.1/\r\n\r\n`,
    'HTTP/1.1 200 OK\r\nST: urn:schemas-upnp-org:device:MediaServer:1\r\nLOCATION: http://192.168.1.1/\r\n\r\n',
  ])('%j is no answer', (text) => {
    expect(decodeSsdpAnswer(encodeUtf8(text))).toBeUndefined();
  });

  test('long ones are not read, and random bytes never throw', () => {
    const answer = searchAnswer(IGD_1, 'http://192.168.1.1/');
    const long = new Uint8Array(SSDP_DATAGRAM_MAX_BYTES + 1).fill(0x20);
    long.set(answer);
    expect(decodeSsdpAnswer(long)).toBeUndefined();
    expect(decodeSsdpAnswer(long.subarray(0, SSDP_DATAGRAM_MAX_BYTES))).toBeDefined();
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void decodeSsdpAnswer(bytes)));
  });
});

describeTests('addresses of a device', () => {
  test('are HTTP at an IPv4 literal', () => {
    expect(formatDeviceUrl(parseDeviceUrl('HTTP://192.168.1.1')!)).toBe('http://192.168.1.1:80/');
    for (const text of [
      'https://192.168.1.1/',
      'http://router.lan/',
      'http://user@192.168.1.1/',
      'http://192.168.1.1:0/',
      'http://192.168.1.1:70000/',
      'http://192.168.1.256/',
      'http://3232235777/',
      'http://192.168.1.1/a b',
      'http://192.168.1.1/\r\nHost: other',
      'http://192.168.1.1?x',
      'http://[::1]/',
      `http://192.168.1.1/${'x'.repeat(3_000)}`,
    ]) {
      expect(parseDeviceUrl(text), text).toBeUndefined();
    }
  });

  test.each([
    ['/ctl/IPConn', 'http://192.168.1.1:5000/ctl/IPConn'],
    ['ctl?x=1', 'http://192.168.1.1:5000/upnp/ctl?x=1'],
    ['http://192.168.1.1:49152/ctl', 'http://192.168.1.1:49152/ctl'],
    ['http://192.168.1.2:49152/ctl', undefined],
    ['http://example.com/ctl', undefined],
    ['//192.168.1.2/ctl', undefined],
    ['file:///etc/passwd', undefined],
    ['/ctl\r\nX: y', undefined],
    ['', undefined],
  ])('%j leads to %s, never to another computer', (text, expected) => {
    const resolved = resolveDeviceUrl(text, LOCATION);
    expect(resolved === undefined ? undefined : formatDeviceUrl(resolved)).toBe(expected);
  });
});

/** A tree without namespaces, with a base of its own and the service right under the device. */
const OLD_ROUTER = `<?xml version="1.0" encoding="utf-8"?>
<root>
\t<URLBase>http://192.168.1.1:2555/upnp/base/</URLBase>
\t<device><serviceList>
\t\t<service>
\t\t\t<serviceType>
\t\t\t\turn:schemas-upnp-org:service:WANIPConnection:1
\t\t\t</serviceType>
\t\t\t<controlURL>control/WANIPConn1</controlURL>
\t\t</service>
\t</serviceList></device>
</root>`;

describeTests('descriptions', () => {
  const servicesOf = (text: string): unknown =>
    decodeDeviceDescription(encodeUtf8(text), LOCATION)?.map(({ type, controlUrl }) => [
      type.replace('urn:schemas-upnp-org:service:', ''),
      formatDeviceUrl(controlUrl),
    ]);

  test('the services that map ports are found wherever they stand, the best first', () => {
    expect(servicesOf(describe({ version: 2 }))).toEqual([
      ['WANIPConnection:2', 'http://192.168.1.1:5000/ctl/IPConn?a=1&b=2'],
    ]);
    expect(servicesOf(describe({ isPpp: true }))).toEqual([
      ['WANIPConnection:1', 'http://192.168.1.1:5000/dead'],
      ['WANPPPConnection:1', 'http://192.168.1.1:5000/upnp/ctl/PPP'],
    ]);
    expect(servicesOf(OLD_ROUTER)).toEqual([
      ['WANIPConnection:1', 'http://192.168.1.1:2555/upnp/base/control/WANIPConn1'],
    ]);
  });

  test('a base elsewhere is no base, a service elsewhere is none, and there are not too many', () => {
    expect(servicesOf(OLD_ROUTER.replace('192.168.1.1:2555', '10.0.0.1'))).toEqual([
      ['WANIPConnection:1', 'http://192.168.1.1:5000/upnp/control/WANIPConn1'],
    ]);
    expect(servicesOf(OLD_ROUTER.replace('control/', 'http://10.0.0.1/'))).toEqual([]);
    expect(servicesOf(describe({}).replace('WANIPConnection:1', 'WANIPConnection:9'))).toEqual([]);
    const service = /<service>.*<\/service>/s.exec(OLD_ROUTER)![0];
    expect(servicesOf(OLD_ROUTER.replace(service, service.repeat(9)))).toHaveLength(UPNP_SERVICES_MAX);
    expect(servicesOf('<html><body></body></html>')).toBeUndefined();
  });
});

describeTests('SOAP', () => {
  const TYPE = 'urn:schemas-upnp-org:service:WANIPConnection:1';

  test('a request names its service, its action and its values in order', () => {
    expect(soapHeaders(TYPE, 'DeletePortMapping')).toEqual({
      'content-type': 'text/xml; charset="utf-8"',
      soapaction: `"${TYPE}#DeletePortMapping"`,
    });
    const text = decodeUtf8Lenient(
      encodeSoapRequest(TYPE, 'DeletePortMapping', [
        ['NewRemoteHost', ''],
        ['NewExternalPort', '6881'],
      ]),
    );
    expect(text).toContain(
      `<s:Body><u:DeletePortMapping xmlns:u="${TYPE}"><NewRemoteHost></NewRemoteHost>` +
        '<NewExternalPort>6881</NewExternalPort></u:DeletePortMapping></s:Body>',
    );
  });

  test('answers and refusals are read, in any prefix', () => {
    const done = encodeUtf8(response('GetExternalIPAddress', TYPE, { NewExternalIPAddress: '203.0.113.9' }));
    expect(decodeSoapAnswer(done, 'GetExternalIPAddress')).toEqual({
      type: 'done',
      values: new Map([['NewExternalIPAddress', '203.0.113.9']]),
    });
    expect(decodeSoapAnswer(done, 'AddPortMapping')).toBeUndefined();
    expect(decodeSoapAnswer(encodeUtf8(fault(725)), 'AddPortMapping')).toEqual({ type: 'fault', code: 725 });
    for (const text of ['<a/>', fault(725).replace('725', '-1'), fault(725).replaceAll('errorCode', 'code'), '']) {
      expect(decodeSoapAnswer(encodeUtf8(text), 'AddPortMapping')).toBeUndefined();
    }
  });
});
