// Text of a user to a magnet link's meaning (BEP 9, 46, 53), also a bare info-hash. A malformed hash or file selection is
// an error; an odd tracker, peer or unknown parameter is left out.

import { decodeUtf8Lenient, hexToBytes } from '../../base/bytes.ts';
import { PUBLIC_KEY_BYTES } from '../dht/item.ts';
import {
  DHT_SALT_MAX_BYTES,
  FILES_MAX,
  MAGNET_MAX_CHARACTERS,
  MAGNET_PEERS_MAX,
  TRACKERS_PER_TIER_MAX,
  WEB_SEEDS_MAX,
} from '../limits.ts';
import { acceptUrl, type Parsed, TRACKER_SCHEMES, WEB_SEED_SCHEMES } from '../metainfo/index.ts';
import { type Magnet, MULTIHASH_SHA256_PREFIX } from './magnet.ts';

const BASE32_DIGITS = 'abcdefghijklmnopqrstuvwxyz234567';
const HOST_MAX_CHARACTERS = 255;

/** Reads a magnet link, or an info-hash: 40 hexadecimal or 32 base32 digits (v1), 64 hexadecimal digits (v2). */
export function parseMagnet(text: string): Parsed<Magnet> {
  if (text.length > MAGNET_MAX_CHARACTERS) {
    return problem(`The magnet link is longer than ${MAGNET_MAX_CHARACTERS} characters.`);
  }
  const trimmed = text.trim();
  const bare = bareInfoHash(trimmed);
  if (bare !== undefined) return { ok: true, value: { ...bare, trackers: [], webSeeds: [], peers: [] } };
  if (!/^magnet:\?/i.test(trimmed)) {
    return problem('The text is neither a magnet link nor an info-hash of 40 or 64 hexadecimal or 32 base32 digits.');
  }
  const reader = new MagnetReader();
  // Links copied from the source of a web page have their separators escaped.
  for (const parameter of trimmed.slice('magnet:?'.length).split(/&(?:amp;)?/)) {
    const equals = parameter.indexOf('=');
    if (equals < 0) continue;
    const sentence = reader.handleParameter(parameter.slice(0, equals), parameter.slice(equals + 1));
    if (sentence !== undefined) return problem(sentence);
  }
  return reader.finish();
}

function problem(message: string): Parsed<Magnet> {
  return { ok: false, problem: { code: 'MAGNET_INVALID', message } };
}

class MagnetReader {
  #infoHash: Uint8Array | undefined;
  #infoHashV2: Uint8Array | undefined;
  #publicKey: Uint8Array | undefined;
  #salt: Uint8Array | undefined;
  #isSaltWrong = false;
  #name: string | undefined;
  #lengthBytes: number | undefined;
  #selectOnly: readonly (readonly [number, number])[] | undefined;
  // BOUNDED: TRACKERS_PER_TIER_MAX, WEB_SEEDS_MAX, MAGNET_PEERS_MAX; what comes later is left out.
  readonly #trackers = new Set<string>();
  readonly #webSeeds = new Set<string>();
  readonly #peers = new Set<string>();

  /** Returns a sentence when the link is no good. */
  handleParameter(rawKey: string, rawValue: string): string | undefined {
    // `tr.1`, `xt.2`: repeated keys may be numbered.
    const key = rawKey.toLowerCase().replace(/\.\d{1,9}$/, '');
    switch (key) {
      case 'xt':
        return this.#handleTopic(unescapeParameter(rawValue));
      case 'xs':
        return this.#handleExactSource(unescapeParameter(rawValue));
      case 's':
        this.#handleSalt(rawValue);
        return undefined;
      case 'dn':
        this.#name ??= unescapeParameter(rawValue.replaceAll('+', ' ')).trim() || undefined;
        return undefined;
      case 'xl': {
        const length = Number(rawValue);
        if (/^\d{1,16}$/.test(rawValue) && Number.isSafeInteger(length)) this.#lengthBytes ??= length;
        return undefined;
      }
      case 'tr':
        addUpTo(this.#trackers, TRACKERS_PER_TIER_MAX, acceptUrl(unescapeParameter(rawValue), TRACKER_SCHEMES));
        return undefined;
      case 'ws':
        addUpTo(this.#webSeeds, WEB_SEEDS_MAX, acceptUrl(unescapeParameter(rawValue), WEB_SEED_SCHEMES));
        return undefined;
      case 'x.pe':
        addUpTo(this.#peers, MAGNET_PEERS_MAX, acceptPeer(unescapeParameter(rawValue)));
        return undefined;
      case 'so':
        this.#selectOnly = parseSelection(unescapeParameter(rawValue));
        return this.#selectOnly === undefined
          ? 'The file selection (so) of the magnet link is not a list of numbers and ranges.'
          : undefined;
      default:
        return undefined;
    }
  }

  finish(): Parsed<Magnet> {
    const namesTorrent = this.#infoHash !== undefined || this.#infoHashV2 !== undefined;
    if (!namesTorrent && this.#publicKey === undefined) {
      return problem('The magnet link names no torrent: it has none of xt=urn:btih:, xt=urn:btmh: and xs=urn:btpk:.');
    }
    if (!namesTorrent && this.#isSaltWrong) {
      return problem(`The salt (s) of the magnet link is not hexadecimal, ${DHT_SALT_MAX_BYTES} bytes at most.`);
    }
    const publisher =
      namesTorrent || this.#publicKey === undefined
        ? undefined
        : { publicKey: this.#publicKey, salt: this.#salt ?? new Uint8Array(0) };
    return {
      ok: true,
      value: {
        ...(this.#infoHash && { infoHash: this.#infoHash }),
        ...(this.#infoHashV2 && { infoHashV2: this.#infoHashV2 }),
        ...(publisher && { publisher }),
        ...(this.#name !== undefined && { name: this.#name }),
        trackers: [...this.#trackers],
        webSeeds: [...this.#webSeeds],
        peers: [...this.#peers],
        ...(this.#selectOnly && { selectOnly: this.#selectOnly }),
        ...(this.#lengthBytes !== undefined && { lengthBytes: this.#lengthBytes }),
      },
    };
  }

  /** BEP 46. Exact sources of other kinds (URLs of .torrent files, eDonkey's) mean nothing here. */
  #handleExactSource(source: string): string | undefined {
    if (!/^urn:btpk:/i.test(source)) return undefined;
    const publicKey = hexToBytes(source.slice('urn:btpk:'.length));
    if (publicKey?.length !== PUBLIC_KEY_BYTES) {
      return 'The public key (urn:btpk) of the magnet link is not 64 hexadecimal digits.';
    }
    if (this.#publicKey !== undefined && !isSame(this.#publicKey, publicKey)) {
      return 'The magnet link names two different public keys (urn:btpk).';
    }
    this.#publicKey = publicKey;
    return undefined;
  }

  /** Only a link with a public key has a salt: what else `s` may mean elsewhere is not held against it. */
  #handleSalt(text: string): void {
    const salt = hexToBytes(text);
    if (salt !== undefined && salt.length <= DHT_SALT_MAX_BYTES) this.#salt ??= salt;
    else this.#isSaltWrong = true;
  }

  /** Other networks' topics (ed2k, tree:tiger …) may stand beside ours and mean nothing here. */
  #handleTopic(topic: string): string | undefined {
    if (/^urn:btih:/i.test(topic)) {
      const hash = v1Hash(topic.slice('urn:btih:'.length));
      if (hash === undefined) {
        return 'The info-hash (urn:btih) of the magnet link is not 40 hexadecimal or 32 base32 digits.';
      }
      if (this.#infoHash !== undefined && !isSame(this.#infoHash, hash)) {
        return 'The magnet link names two different torrents (urn:btih).';
      }
      this.#infoHash = hash;
    } else if (/^urn:btmh:/i.test(topic)) {
      const hash = v2Multihash(topic.slice('urn:btmh:'.length));
      if (hash === undefined) {
        return 'The info-hash (urn:btmh) of the magnet link is not 1220 and 64 hexadecimal digits.';
      }
      if (this.#infoHashV2 !== undefined && !isSame(this.#infoHashV2, hash)) {
        return 'The magnet link names two different torrents (urn:btmh).';
      }
      this.#infoHashV2 = hash;
    }
    return undefined;
  }
}

function bareInfoHash(text: string): Pick<Magnet, 'infoHash' | 'infoHashV2'> | undefined {
  const infoHash = v1Hash(text);
  if (infoHash !== undefined) return { infoHash };
  const infoHashV2 = text.length === 64 ? hexToBytes(text) : v2Multihash(text);
  return infoHashV2 === undefined ? undefined : { infoHashV2 };
}

function v1Hash(text: string): Uint8Array | undefined {
  if (text.length === 40) return hexToBytes(text);
  return text.length === 32 ? decodeBase32(text) : undefined;
}

function v2Multihash(text: string): Uint8Array | undefined {
  const isSha256 = text.length === 68 && text.startsWith(MULTIHASH_SHA256_PREFIX);
  return isSha256 ? hexToBytes(text.slice(MULTIHASH_SHA256_PREFIX.length)) : undefined;
}

/** RFC 4648 without padding, either case; whole bytes only. */
function decodeBase32(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array((text.length * 5) / 8);
  let bits = 0;
  let bitCount = 0;
  let length = 0;
  for (const character of text.toLowerCase()) {
    const digit = BASE32_DIGITS.indexOf(character);
    if (digit < 0) return undefined;
    bits = ((bits << 5) | digit) & 0xfff;
    bitCount += 5;
    if (bitCount < 8) continue;
    bitCount -= 8;
    bytes[length++] = bits >> bitCount;
  }
  return bytes;
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return left.every((byte, i) => byte === right[i]);
}

function addUpTo(set: Set<string>, limit: number, value: string | undefined): void {
  if (value !== undefined && set.size < limit) set.add(value);
}

/** `%xx` to bytes to text. A percent sign without two digits stands for itself. */
function unescapeParameter(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => decodeUtf8Lenient(hexToBytes(run.replaceAll('%', ''))!));
}

function acceptPeer(text: string): string | undefined {
  const match = /^(\[[0-9a-fA-F:.]{2,45}\]|[a-zA-Z0-9._-]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || match[1]!.length > HOST_MAX_CHARACTERS || port < 1 || port > 65_535) return undefined;
  return `${match[1]}:${port}`;
}

/** BEP 53: `0,2,4,6-8`. Gives ascending ranges that do not touch; undefined when it is malformed. */
function parseSelection(text: string): (readonly [number, number])[] | undefined {
  const ranges: [number, number][] = [];
  for (const part of text.split(',')) {
    const match = /^(\d{1,7})(?:-(\d{1,7}))?$/.exec(part.trim());
    if (match === null) return undefined;
    const from = Number(match[1]);
    const to = Number(match[2] ?? match[1]);
    if (to < from || to >= FILES_MAX) return undefined;
    ranges.push([from, to]);
  }
  ranges.sort((left, right) => left[0] - right[0]);
  const merged: [number, number][] = [];
  for (const range of ranges) {
    const last = merged[merged.length - 1];
    if (last !== undefined && range[0] <= last[1] + 1) last[1] = Math.max(last[1], range[1]);
    else merged.push(range);
  }
  return merged;
}
