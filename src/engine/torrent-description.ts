// What a .torrent file or magnet link says, as one plain object: what `millrace show --json` prints. Reads bytes and
// text only; knows no session and no disk.
import { bytesToHex } from '../base/bytes.ts';
import type { Crypto } from '../platform/crypto.ts';
import { SessionError } from '../platform/session-error.ts';
import { formatMagnet, type Magnet, magnetOf, parseMagnet } from '../protocol/magnet/index.ts';
import { decodeMetainfo } from '../protocol/metainfo/index.ts';
import type { Metainfo, TorrentFormat } from '../protocol/metainfo/metainfo.ts';
import { safePaths } from '../storage/safe-path.ts';
import type { DescribedFile, TorrentDescription } from './api.ts';

/**
 * Describes the bytes of a .torrent file, a magnet link or an info-hash.
 * @throws {SessionError} `METAINFO_INVALID`, `MAGNET_INVALID`.
 */
export function readTorrent(source: string | Uint8Array, crypto: Crypto): TorrentDescription {
  if (typeof source === 'string') {
    const parsed = parseMagnet(source);
    if (!parsed.ok) throw new SessionError(parsed.problem.code, parsed.problem.message, { operation: 'read' });
    return describeMagnet(parsed.value, formatMagnet(parsed.value));
  }
  const parsed = decodeMetainfo(source, crypto);
  if (!parsed.ok) throw new SessionError(parsed.problem.code, parsed.problem.message, { operation: 'read' });
  return describeMetainfo(parsed.value, formatMagnet(magnetOf(parsed.value)));
}

/**
 * Describes a decoded .torrent file. `magnet` is its link.
 * @throws {SessionError} `METAINFO_INVALID` when no safe path can be made for a file.
 */
export function describeMetainfo(metainfo: Metainfo, magnet: string): TorrentDescription {
  const { info } = metainfo;
  return {
    name: info.name,
    infoHash: hexOrNull(info.infoHash),
    infoHashV2: hexOrNull(info.infoHashV2),
    format: info.format,
    pieceLength: info.pieceLengthBytes,
    pieceCount: info.pieceCount,
    totalSize: info.contentBytes,
    private: info.private,
    comment: metainfo.comment ?? null,
    createdBy: metainfo.createdBy ?? null,
    creationDate: metainfo.creationDate ?? null,
    source: info.source ?? null,
    trackers: metainfo.trackers,
    webSeeds: metainfo.webSeeds,
    httpSeeds: metainfo.httpSeeds,
    nodes: metainfo.nodes,
    magnet,
    files: describeFiles(metainfo),
  };
}

/** Describes a parsed magnet link: what it leaves open is null or empty. `text` is the link. */
export function describeMagnet(magnet: Magnet, text: string): TorrentDescription {
  return {
    name: magnet.name ?? null,
    infoHash: hexOrNull(magnet.infoHash),
    infoHashV2: hexOrNull(magnet.infoHashV2),
    format: formatOf(magnet),
    pieceLength: null,
    pieceCount: null,
    totalSize: magnet.lengthBytes ?? null,
    private: null,
    comment: null,
    createdBy: null,
    creationDate: null,
    source: null,
    trackers: magnet.trackers.map((url) => [url]),
    webSeeds: magnet.webSeeds,
    httpSeeds: [],
    nodes: [],
    magnet: text,
    files: [],
  };
}

function describeFiles({ info }: Metainfo): DescribedFile[] {
  const paths = safePaths(info.files, info.name, info.isMultiFile);
  if (!paths.ok) throw new SessionError('METAINFO_INVALID', paths.problem.message, { operation: 'read' });
  return info.files.map((file, index) => ({
    path: paths.value[index]!.join('/'),
    length: file.lengthBytes,
    pad: file.pad,
    executable: file.executable,
    hidden: file.hidden,
    symlink: file.symlink?.join('/') ?? null,
    piecesRoot: hexOrNull(file.piecesRoot),
  }));
}

function formatOf({ infoHash, infoHashV2 }: Magnet): TorrentFormat {
  if (infoHashV2 === undefined) return 'v1';
  return infoHash === undefined ? 'v2' : 'hybrid';
}

function hexOrNull(bytes: Uint8Array | undefined): string | null {
  return bytes === undefined ? null : bytesToHex(bytes);
}
