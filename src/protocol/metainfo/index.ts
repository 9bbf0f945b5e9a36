export { decodeMetainfo } from './decode.ts';
export { decodeInfoDictionary } from './decode-info.ts';
export {
  buildInfoDictionary,
  compareFilePaths,
  encodeMetainfo,
  type InfoFile,
  type InfoParts,
  type MetainfoParts,
  type PieceLayer,
  type Placed,
  pieceLayersOf,
  placeFiles,
} from './encode.ts';
export type { FormatProblem, InfoDictionary, Metainfo, MetainfoFile, Parsed, TorrentFormat } from './metainfo.ts';
export type { MetainfoCrypto } from './problem.ts';
export { acceptUrl, TRACKER_SCHEMES, WEB_SEED_SCHEMES } from './url.ts';
