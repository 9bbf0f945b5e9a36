// What a .torrent file means (BEP 3, 12, 17, 19, 27, 47, 52), after every rule has been checked. Values only: the
// decoder makes them, the encoder takes them apart. File names are as the author wrote them, not yet safe to use.

export type TorrentFormat = 'v1' | 'v2' | 'hybrid';

export interface MetainfoFile {
  /**
   * Path parts as written (the torrent's own folder not included; a single-file torrent has one part, its name). A
   * pad file may have none.
   * Hostile until `storage/safe-path` has seen them.
   */
  readonly path: readonly string[];
  readonly lengthBytes: number;
  /**
   * Where the file starts in the torrent's byte space. v2 files that are not empty start at multiples of the piece
   * length; in a v2-only torrent the gap before one belongs to no file and reads as zeros.
   */
  readonly offsetBytes: number;
  /** BEP 47 attributes. */
  readonly pad: boolean;
  readonly executable: boolean;
  readonly hidden: boolean;
  /** Target path parts of a symbolic link (BEP 47), relative to the torrent's root. */
  readonly symlink: readonly string[] | undefined;
  /** Root of the file's Merkle tree (v2 and hybrid; 32 bytes), absent for empty files. */
  readonly piecesRoot: Uint8Array | undefined;
  /** Hash of each piece (32 bytes each, joined), for v2 files longer than one piece whose layer is known. */
  readonly pieceLayer: Uint8Array | undefined;
}

/** The info dictionary: all that the info-hash vouches for, and the piece layers proved against it. */
export interface InfoDictionary {
  readonly format: TorrentFormat;
  /** As written; hostile like a path part. */
  readonly name: string;
  /** The torrent is a folder of files, even when it has only one. */
  readonly isMultiFile: boolean;
  readonly pieceLengthBytes: number;
  readonly pieceCount: number;
  /** Size of the byte space: the last file's end. Pad files and gaps count. */
  readonly spaceBytes: number;
  /** What a user gets: the lengths of all files but pads. */
  readonly contentBytes: number;
  readonly private: boolean;
  readonly source: string | undefined;
  /** In the byte space's order. */
  readonly files: readonly MetainfoFile[];
  /** SHA-1 of each piece, joined (v1 and hybrid). */
  readonly pieceHashes: Uint8Array | undefined;
  /** The dictionary's bytes exactly as they stood. */
  readonly infoBytes: Uint8Array;
  /** SHA-1 of `infoBytes` (v1 and hybrid; 20 bytes). */
  readonly infoHash: Uint8Array | undefined;
  /** SHA-256 of `infoBytes` (v2 and hybrid; 32 bytes). */
  readonly infoHashV2: Uint8Array | undefined;
}

/** A whole .torrent file. */
export interface Metainfo {
  readonly info: InfoDictionary;
  /** BEP 12 tiers, `announce` as the only one when there is no list; http, https, udp, ws and wss URLs only. */
  readonly trackers: readonly (readonly string[])[];
  /** BEP 19 `url-list`. */
  readonly webSeeds: readonly string[];
  /** BEP 17 `httpseeds`. */
  readonly httpSeeds: readonly string[];
  /** BEP 5 `nodes`, as host:port (IPv6 in brackets). */
  readonly nodes: readonly string[];
  readonly comment: string | undefined;
  readonly createdBy: string | undefined;
  /** Seconds since 1970. */
  readonly creationDate: number | undefined;
}

/** Why bytes are no torrent, or a text no magnet link. */
export interface FormatProblem {
  readonly code: 'METAINFO_INVALID' | 'MAGNET_INVALID';
  /** One sentence that names the rule that was broken, and where. */
  readonly message: string;
}

export type Parsed<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problem: FormatProblem };
