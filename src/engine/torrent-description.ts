// INTERIM
export { TORRENT_FILE_MAX_BYTES } from '../protocol/limits.ts';
