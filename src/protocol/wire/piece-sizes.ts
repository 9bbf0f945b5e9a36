// What a connection must know of a torrent's pieces to judge requests and blocks.

export interface PieceSizes {
  readonly pieceCount: number;
  /**
   * Bytes of a piece that may be requested. The last piece is short, in a v2 torrent the last one of each file.
   * Called for `0 <= pieceIndex < pieceCount` only, once a block: keep it cheap.
   */
  bytesOfPiece(pieceIndex: number): number;
}
