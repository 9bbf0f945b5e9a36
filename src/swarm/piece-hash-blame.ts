export class PieceHashBlame {
  isSuspect(_piece: number): boolean {
    return false;
  }
  handleFailedPiece(_piece: number, _sha1s: Uint8Array, _senders: readonly string[]): string[] {
    return [];
  }
  handleVerifiedPiece(_piece: number, _sha1s: Uint8Array): string[] {
    return [];
  }
}
