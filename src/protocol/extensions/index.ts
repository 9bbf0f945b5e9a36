export {
  decodeExtensionHandshake,
  EXTENSION_IDS,
  type ExtensionHandshake,
  type ExtensionName,
  encodeExtensionHandshake,
} from './extension-handshake.ts';
export {
  decodeMetadataMessage,
  encodeMetadataData,
  encodeMetadataReject,
  encodeMetadataRequest,
  METADATA_PIECE_BYTES,
  type MetadataMessage,
} from './ut-metadata.ts';
