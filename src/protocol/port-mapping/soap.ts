// Asking a UPnP service to do something, and its answer (UPnP Device Architecture 1.1, section 3). A codec only.
import { encodeUtf8 } from '../../base/bytes.ts';
import type { UpnpServiceType } from './device-description.ts';
import { childNamed, readXml, type XmlElement } from './xml.ts';

export type UpnpAction = 'GetExternalIPAddress' | 'AddPortMapping' | 'AddAnyPortMapping' | 'DeletePortMapping';

/** Names and values, in the order that the service's description has. Values are numbers, addresses and words of ours. */
export type SoapArguments = readonly (readonly [string, string])[];

export type SoapAnswer =
  // BOUNDED: XML_TOKENS_MAX.
  | { readonly type: 'done'; readonly values: ReadonlyMap<string, string> }
  | { readonly type: 'fault'; readonly code: number };

export function soapHeaders(serviceType: UpnpServiceType, action: UpnpAction): Readonly<Record<string, string>> {
  return { 'content-type': 'text/xml; charset="utf-8"', soapaction: `"${serviceType}#${action}"` };
}

export function encodeSoapRequest(serviceType: UpnpServiceType, action: UpnpAction, values: SoapArguments): Uint8Array {
  const written = values.map(([name, value]) => `<${name}>${value}</${name}>`).join('');
  return encodeUtf8(
    '<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
      's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>' +
      `<u:${action} xmlns:u="${serviceType}">${written}</u:${action}></s:Body></s:Envelope>\r\n`,
  );
}

/** Undefined for what is no answer to this action. */
export function decodeSoapAnswer(bytes: Uint8Array, action: UpnpAction): SoapAnswer | undefined {
  const envelope = readXml(bytes);
  if (envelope?.name !== 'Envelope') return undefined;
  const body = childNamed(envelope, 'Body');
  const response = childNamed(body, `${action}Response`);
  if (response !== undefined) {
    return { type: 'done', values: new Map(response.children.map(({ name, text }) => [name, text])) };
  }
  const code = childNamed(childNamed(detailOf(body), 'UPnPError'), 'errorCode')?.text ?? '';
  return /^\d{1,5}$/.test(code) ? { type: 'fault', code: Number(code) } : undefined;
}

function detailOf(body: XmlElement | undefined): XmlElement | undefined {
  return childNamed(childNamed(body, 'Fault'), 'detail');
}
