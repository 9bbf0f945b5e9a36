// Types of the npm packages that tests compare with; the packages ship none.

declare module 'bencode' {
  const bencode: {
    encode(value: unknown): Uint8Array;
    decode(bytes: Uint8Array): unknown;
  };

  export = bencode;
}

declare module 'parse-torrent' {
  interface ParsedTorrent {
    infoHash?: string;
    name?: string;
    announce?: string[];
    urlList?: string[];
    length?: number;
    pieceLength?: number;
    lastPieceLength?: number;
    pieces?: string[];
    private?: boolean;
    comment?: string;
    createdBy?: string;
    created?: Date;
    peerAddresses?: string[];
    so?: number[];
    files?: { path: string; name: string; length: number; offset: number }[];
  }
  function parseTorrent(torrent: string | Uint8Array): Promise<ParsedTorrent>;
  export = parseTorrent;
}

declare module 'create-torrent' {
  function createTorrent(
    input: string | (Uint8Array & { name?: string }) | (Uint8Array & { name?: string })[],
    options: Record<string, unknown>,
    callback: (error: Error | null, torrent: Uint8Array) => void,
  ): void;

  export = createTorrent;
}
