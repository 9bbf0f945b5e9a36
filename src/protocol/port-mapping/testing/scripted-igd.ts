// An Internet gateway device for tests, with the traits and quirks of home routers: answers searches, describes itself, keeps
// a table of mappings. Written in the style of such devices, without Millrace's own codecs.

export interface IgdTraits {
  /** Of the device and of its WANIPConnection. @defaultValue 1 */
  readonly version?: 1 | 2;
  /** @defaultValue `'203.0.113.9'` */
  readonly externalAddress?: string;
  /** Knows no end of a mapping, and says so with this error. */
  readonly permanentOnlyError?: number;
  /** External ports that others have. */
  readonly taken?: readonly number[];
  /** The error of every wish for a mapping. */
  readonly refusal?: number;
  /** A device of version 2 without AddAnyPortMapping. */
  readonly lacksAnyPort?: boolean;
  /** The services are those of a line with dial-in, and another one that is not connected stands before them. */
  readonly isPpp?: boolean;
  /** Another description than its own. */
  readonly description?: string;
}

export interface IgdMapping {
  readonly client: string;
  readonly internalPort: number;
  readonly leaseSeconds: number;
}

export const IGD_PORT = 5_000;
const EXTERNAL_ADDRESS = '203.0.113.9';
const ASCII = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const TEXT = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

export class ScriptedIgd {
  readonly traits: IgdTraits;
  /** By `TCP 6881`: protocol and external port. */
  readonly mappings: Map<string, IgdMapping> = new Map<string, IgdMapping>();
  /** What was asked: `GET /root.xml`, `AddPortMapping TCP 6881 7200`. */
  readonly asked: string[] = [];

  constructor(traits: IgdTraits = {}) {
    this.traits = traits;
  }

  /** Undefined: it was not meant. */
  answerSearch(search: Uint8Array, address: string, port: number = IGD_PORT): Uint8Array | undefined {
    const target = /\r\nST: *(\S+)\r\n/i.exec(TEXT(search))?.[1] ?? '';
    const mayBe = [
      'urn:schemas-upnp-org:device:InternetGatewayDevice:1',
      `urn:schemas-upnp-org:device:InternetGatewayDevice:${this.traits.version ?? 1}`,
    ];
    if (!TEXT(search).startsWith('M-SEARCH * HTTP/1.1\r\n') || !mayBe.includes(target)) return undefined;
    return searchAnswer(target, `http://${address}:${port}/root.xml`);
  }

  /** `body`: undefined for a GET. */
  handle(path: string, body: Uint8Array | undefined): { readonly status: number; readonly body: Uint8Array } {
    if (body === undefined) {
      this.asked.push(`GET ${path}`);
      if (path !== '/root.xml') return { status: 404, body: ASCII('<html>not here</html>') };
      return { status: 200, body: ASCII(this.traits.description ?? describe(this.traits)) };
    }
    const [, action = '', type = '', inner = ''] = /<u:(\w+) xmlns:u="([^"]+)">(.*)<\/u:\w+>/s.exec(TEXT(body)) ?? [];
    const value = (name: string): string => new RegExp(`<${name}>([^<]*)</${name}>`).exec(inner)?.[1] ?? '';
    const words = [value('NewProtocol'), value('NewExternalPort'), value('NewLeaseDuration')];
    this.asked.push([action, ...words].filter((word) => word !== '').join(' '));
    const result = this.#act(path, action, value);
    if (typeof result === 'number') return { status: 500, body: ASCII(fault(result)) };
    return { status: 200, body: ASCII(response(action, type, result)) };
  }

  /** The values of the answer, or an error. */
  #act(path: string, action: string, value: (name: string) => string): Readonly<Record<string, string>> | number {
    const { version = 1, externalAddress = EXTERNAL_ADDRESS, lacksAnyPort = false } = this.traits;
    const key = `${value('NewProtocol')} ${value('NewExternalPort')}`;
    switch (action) {
      case 'GetExternalIPAddress':
        return { NewExternalIPAddress: path === '/dead' ? '0.0.0.0' : externalAddress };
      case 'DeletePortMapping':
        return this.mappings.delete(key) ? {} : 714;
      case 'AddPortMapping':
        return this.#map(key, value) ?? {};
      case 'AddAnyPortMapping': {
        if (version !== 2 || lacksAnyPort) return 401;
        let port = Number(value('NewExternalPort'));
        while (this.traits.taken?.includes(port) === true) port++;
        return this.#map(`${value('NewProtocol')} ${port}`, value) ?? { NewReservedPort: `${port}` };
      }
      default:
        return 401;
    }
  }

  /** An error, or undefined. */
  #map(key: string, value: (name: string) => string): number | undefined {
    const { refusal, permanentOnlyError, taken = [] } = this.traits;
    const leaseSeconds = Number(value('NewLeaseDuration'));
    if (refusal !== undefined) return refusal;
    if (permanentOnlyError !== undefined && leaseSeconds !== 0) return permanentOnlyError;
    if (taken.includes(Number(key.split(' ')[1]))) return 718;
    const client = value('NewInternalClient');
    this.mappings.set(key, { client, internalPort: Number(value('NewInternalPort')), leaseSeconds });
    return undefined;
  }
}

export function searchAnswer(target: string, location: string): Uint8Array {
  return ASCII(
    'HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\n' +
      `ST: ${target}\r\nUSN: uuid:11111111-2222-3333-4444-555555555555::${target}\r\nEXT:\r\n` +
      `SERVER: Router/1.0 UPnP/1.1 Daemon/2.1\r\nLOCATION: ${location}\r\n\r\n`,
  );
}

export function describe({ version = 1, isPpp = false }: IgdTraits): string {
  const service = (type: string, id: string, url: string): string =>
    `<service><serviceType>urn:schemas-upnp-org:service:${type}</serviceType>` +
    `<serviceId>urn:upnp-org:serviceId:${id}</serviceId><SCPDURL>/${id}.xml</SCPDURL>` +
    `<controlURL>${url}</controlURL><eventSubURL>/evt/${id}</eventSubURL></service>`;
  const connections = isPpp
    ? service('WANIPConnection:1', 'WANIPConn1', '/dead') + service('WANPPPConnection:1', 'WANPPPConn1', 'ctl/PPP')
    : service(`WANIPConnection:${version}`, 'WANIPConn1', '/ctl/IPConn?a=1&amp;b=2');
  return `<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0"><specVersion><major>1</major><minor>0</minor></specVersion>
<device>
  <deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:${version}</deviceType>
  <friendlyName>Home &amp; Office Router</friendlyName><manufacturer>Example</manufacturer>
  <!-- the box under the stairs -->
  <UDN>uuid:11111111-2222-3333-4444-555555555555</UDN>
  <serviceList>${service('Layer3Forwarding:1', 'L3Forwarding1', '/ctl/L3F')}</serviceList>
  <deviceList><device>
    <deviceType>urn:schemas-upnp-org:device:WANDevice:${version}</deviceType>
    <serviceList>${service('WANCommonInterfaceConfig:1', 'WANCommonIFC1', '/ctl/CmnIfCfg')}</serviceList>
    <deviceList><device>
      <deviceType>urn:schemas-upnp-org:device:WANConnectionDevice:${version}</deviceType>
      <serviceList>${connections}</serviceList>
    </device></deviceList>
  </device></deviceList>
  <presentationURL>http://router.lan/?x=1&y=2</presentationURL>
</device></root>
`;
}

export function response(action: string, type: string, values: Readonly<Record<string, string>>): string {
  const inner = Object.entries(values).map(([name, value]) => `<${name}>${value}</${name}>`);
  return (
    '<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
    `s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body><u:${action}Response xmlns:u="${type}">` +
    `${inner.join('')}</u:${action}Response></s:Body></s:Envelope>\r\n`
  );
}

export function fault(code: number): string {
  return `<?xml version='1.0'?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV='http://schemas.xmlsoap.org/soap/envelope/'><SOAP-ENV:Body><SOAP-ENV:Fault>
<faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail>
<UPnPError xmlns='urn:schemas-upnp-org:control-1-0'><errorCode> ${code} </errorCode>
<errorDescription><![CDATA[<no>]]></errorDescription></UPnPError></detail>
</SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>`;
}
