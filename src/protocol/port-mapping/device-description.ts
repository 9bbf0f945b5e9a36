// What a UPnP device says of itself: the services that map ports, out of a tree of devices (UPnP Device Architecture 1.1,
// section 2.3; InternetGatewayDevice 1 and 2). A codec only.
import { UPNP_SERVICES_MAX } from '../limits.ts';
import { type DeviceUrl, parseDeviceUrl, resolveDeviceUrl } from './device-url.ts';
import { childNamed, readXml, type XmlElement } from './xml.ts';

/** The best first: version 2 chooses another port by itself where ours is taken. */
const SERVICE_TYPES = [
  'urn:schemas-upnp-org:service:WANIPConnection:2',
  'urn:schemas-upnp-org:service:WANIPConnection:1',
  'urn:schemas-upnp-org:service:WANPPPConnection:1',
] as const;

export type UpnpServiceType = (typeof SERVICE_TYPES)[number];

export interface UpnpService {
  readonly type: UpnpServiceType;
  readonly controlUrl: DeviceUrl;
}

/**
 * At most UPNP_SERVICES_MAX, the best first; none: it maps no ports. Undefined: it is no description.
 * @param location Where the description was read.
 */
export function decodeDeviceDescription(bytes: Uint8Array, location: DeviceUrl): readonly UpnpService[] | undefined {
  const root = readXml(bytes);
  if (root?.name !== 'root') return undefined;
  const stated = parseDeviceUrl(childNamed(root, 'URLBase')?.text ?? '');
  const base = stated?.host === location.host ? stated : location;
  const services: UpnpService[] = []; // BOUNDED: XML_TOKENS_MAX, the elements of the description
  collect(root, base, services);
  services.sort((left, right) => SERVICE_TYPES.indexOf(left.type) - SERVICE_TYPES.indexOf(right.type));
  return services.slice(0, UPNP_SERVICES_MAX);
}

/** As deep as XML_DEPTH_MAX. */
function collect(element: XmlElement, base: DeviceUrl, services: UpnpService[]): void {
  for (const child of element.children) {
    if (child.name !== 'service') collect(child, base, services);
    else {
      const type = SERVICE_TYPES.find((known) => known === childNamed(child, 'serviceType')?.text);
      const controlUrl = resolveDeviceUrl(childNamed(child, 'controlURL')?.text ?? '', base);
      if (type !== undefined && controlUrl !== undefined) services.push({ type, controlUrl });
    }
  }
}
