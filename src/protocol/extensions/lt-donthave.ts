// lt_donthave (BEP 54): "I no longer have this piece." The payload is the piece's index, and nothing else.
import { readUint32, writeUint32 } from '../../base/bytes.ts';

export function encodeDontHave(pieceIndex: number): Uint8Array {
  const payload = new Uint8Array(4);
  writeUint32(payload, 0, pieceIndex);
  return payload;
}

/** The piece index, not yet compared with the torrent; undefined when the length is wrong. */
export function decodeDontHave(payload: Uint8Array): number | undefined {
  return payload.length === 4 ? readUint32(payload, 0) : undefined;
}
