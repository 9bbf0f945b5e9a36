// One announce to one UDP tracker (BEP 15, with the URL data of BEP 41).
import type { AnnounceRequest, AnnounceResponse } from './announce.ts';
import { UdpExchange, type UdpExchangeOptions } from './udp-exchange.ts';
import { decodeUdpAnnounceReply, encodeUdpAnnounce, UDP_ACTION_ANNOUNCE } from './udp-messages.ts';

export interface UdpAnnounceOptions extends UdpExchangeOptions {
  /** Of the tracker's address. */
  readonly family: 4 | 6;
  /** Path and query of the tracker's URL, '' for none. */
  readonly urlData: string;
}

export class UdpAnnounce extends UdpExchange<AnnounceResponse> {
  constructor(request: AnnounceRequest, options: UdpAnnounceOptions, nowMs: number) {
    const codec = {
      action: UDP_ACTION_ANNOUNCE,
      encode: (connectionId: Uint8Array, transactionId: number) =>
        encodeUdpAnnounce(connectionId, transactionId, request, options.urlData),
      decode: (datagram: Uint8Array) => decodeUdpAnnounceReply(datagram, options.family),
    };
    super(codec, options, nowMs);
  }
}
