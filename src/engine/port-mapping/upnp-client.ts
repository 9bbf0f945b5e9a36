// Carries what a UpnpMapper wants: its searches over a UDP socket that is open while answers are of use, its requests over
// HTTP, all from our address towards the router. Follows no redirect: a device may name only itself.
import type { UdpSocket } from '../../platform/network.ts';
import type { Platform } from '../../platform/platform.ts';
import { UPNP_BODY_MAX_BYTES, UPNP_FAREWELL_MS, UPNP_TIMEOUT_MS } from '../../protocol/limits.ts';
import type { MappedProtocol } from '../../protocol/port-mapping/mapped-protocol.ts';
import { SSDP_GROUP, SSDP_PORT } from '../../protocol/port-mapping/ssdp.ts';
import type { MappingStatus } from '../../swarm/mapping-status.ts';
import { UpnpMapper, type UpnpRequest } from '../../swarm/upnp/upnp-mapper.ts';

export interface UpnpClientParts {
  readonly platform: Pick<Platform, 'clock' | 'crypto' | 'http' | 'log' | 'network'>;
  readonly gateway: string;
  /** Ours towards the router, IPv4, and the leading bits of its network. */
  readonly clientAddress: string;
  readonly prefixBits: number;
  readonly internalPort: number;
  readonly protocols: readonly MappedProtocol[];
  /** Something has arrived: `drive` is due. */
  handleInput(): void;
}

interface Outcome {
  handleResponse(status: number, body: Uint8Array): void;
  handleNoResponse(): void;
}

export class UpnpClient {
  readonly #parts: UpnpClientParts;
  readonly #mapper: UpnpMapper;
  #socket: UdpSocket | undefined;
  #request: { cancel(): void } | undefined;

  constructor(parts: UpnpClientParts) {
    this.#parts = parts;
    const { random } = parts.platform.crypto;
    this.#mapper = new UpnpMapper({ ...parts, random, nowMs: parts.platform.clock.nowMs() });
  }

  status(protocol: MappedProtocol): MappingStatus {
    return this.#mapper.status(protocol);
  }

  /** False: the port is mapped in another way. */
  setNeeded(protocol: MappedProtocol, isNeeded: boolean, nowMs: number): void {
    this.#mapper.setNeeded(protocol, isNeeded, nowMs);
  }

  /** Does what is due; when to come back. */
  drive(nowMs: number): number {
    for (let output = this.#mapper.poll(nowMs); output !== undefined; output = this.#mapper.poll(nowMs)) {
      if (output.type === 'search') this.#openSocket().send(output.datagram, { address: SSDP_GROUP, port: SSDP_PORT });
      else this.#ask(output.request);
    }
    if (!this.#mapper.isSearching) this.#closeSocket();
    return this.#mapper.deadlineMs;
  }

  /** Takes back what may be mapped; calls back when that is over, never synchronously. */
  release(onReleased: () => void): void {
    const { clock } = this.#parts.platform;
    this.close();
    const farewells = this.#mapper.release();
    let open = farewells.length;
    if (open === 0) clock.schedule(clock.nowMs(), onReleased);
    const handleEnd = (): void => {
      open--;
      if (open === 0) onReleased();
    };
    const outcome = { handleResponse: handleEnd, handleNoResponse: handleEnd };
    for (const farewell of farewells) this.#send(farewell, UPNP_FAREWELL_MS, outcome);
  }

  /** Nothing is sent or heard any more; mappings stay. */
  close(): void {
    this.#request?.cancel();
    this.#request = undefined;
    this.#closeSocket();
  }

  #ask(request: UpnpRequest): void {
    this.#request = this.#send(request, UPNP_TIMEOUT_MS, {
      handleResponse: (status, body) => this.#mapper.handleResponse(status, body, this.#parts.platform.clock.nowMs()),
      handleNoResponse: () => this.#mapper.handleNoResponse(),
    });
  }

  #send({ url, headers, body }: UpnpRequest, totalTimeoutMs: number, outcome: Outcome): { cancel(): void } {
    const { clientAddress, handleInput, platform } = this.#parts;
    const request = {
      url,
      // Small devices mean it well when they pack what they send, and do it badly.
      headers: { ...headers, 'accept-encoding': 'identity' },
      totalTimeoutMs,
      maxBodyBytes: UPNP_BODY_MAX_BYTES,
      maxRedirects: 0,
      localAddress: clientAddress,
    };
    const handler = {
      handleResponse: ({ status, body: answer }: { readonly status: number; readonly body: Uint8Array }) => {
        outcome.handleResponse(status, answer);
        handleInput();
      },
      handleFailed: () => {
        outcome.handleNoResponse();
        handleInput();
      },
    };
    return body === undefined ? platform.http.get(request, handler) : platform.http.post({ ...request, body }, handler);
  }

  #openSocket(): UdpSocket {
    if (this.#socket !== undefined) return this.#socket;
    const { clientAddress, handleInput, platform } = this.#parts;
    const socket = platform.network.bindUdp(
      { address: clientAddress, port: 0 },
      {
        handleListening: () => {},
        handleDatagram: (datagram, remote) => {
          this.#mapper.handleDatagram(datagram, remote.address);
          handleInput();
        },
        handleFailed: (error) => {
          platform.log.write('info', `devices of UPnP cannot be searched for: ${error.message}`);
        },
      },
    );
    this.#socket = socket;
    return socket;
  }

  #closeSocket(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }
}
