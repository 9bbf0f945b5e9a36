// One scrape of one UDP tracker (BEP 15, "Scrape"): how many seeds and leechers some torrents have.
import type { SwarmCounts } from './announce.ts';
import { UdpExchange, type UdpExchangeOptions } from './udp-exchange.ts';
import { decodeUdpScrapeReply, encodeUdpScrape, UDP_ACTION_SCRAPE, UDP_SCRAPE_MAX } from './udp-messages.ts';

export class UdpScrape extends UdpExchange<readonly SwarmCounts[]> {
  /** Asks about the first UDP_SCRAPE_MAX of the info-hashes (20 bytes each); answers in their order. */
  constructor(infoHashes: readonly Uint8Array[], options: UdpExchangeOptions, nowMs: number) {
    const asked = infoHashes.slice(0, UDP_SCRAPE_MAX);
    const codec = {
      action: UDP_ACTION_SCRAPE,
      encode: (connectionId: Uint8Array, transactionId: number) => encodeUdpScrape(connectionId, transactionId, asked),
      decode: (datagram: Uint8Array) => decodeUdpScrapeReply(datagram, asked.length),
    };
    super(codec, options, nowMs);
  }
}
