// Every bound on what a remote party, a torrent's author or a file can make Millrace do, in one place.
// docs/limits.md has the same names with the reason for each; scripts/check-docs.mjs holds the two together.

const KIB = 1024;
const MIB = 1024 * KIB;

// ── Torrents and metadata ────────────────────────────────────────────────────────────────────────────────────────

/** Largest .torrent file read, in bytes. */
export const TORRENT_FILE_MAX_BYTES: number = 16 * MIB;
/** Nesting of lists and dictionaries in a .torrent file. */
export const BENCODE_TORRENT_DEPTH_MAX = 100;
/** Nesting in a tracker's reply, an extension message or KRPC. */
export const BENCODE_WIRE_DEPTH_MAX = 10;
/** Values (strings, integers, lists, dictionaries, ends) in a .torrent file. */
export const BENCODE_TORRENT_TOKENS_MAX = 3_000_000;
/** Values in an extension message. */
export const BENCODE_WIRE_TOKENS_MAX = 1_000;
/** Values in a tracker's reply: 500 peers of the dictionary form need about 4,000. */
export const BENCODE_TRACKER_TOKENS_MAX = 10_000;
/** Digits of a bencoded integer: enough for 64 bits, signed or not. */
export const BENCODE_INTEGER_DIGITS_MAX = 20;
/** Pieces in one torrent. */
export const PIECES_MAX = 2_097_152;
/** Piece length in bytes. */
export const PIECE_LENGTH_MAX_BYTES: number = 256 * MIB;
/** Smallest piece length of a v2 torrent in bytes (BEP 52). */
export const PIECE_LENGTH_V2_MIN_BYTES: number = 16 * KIB;
/** Size of one file and of a whole torrent in bytes: 2^48 - 1. */
export const TORRENT_SIZE_MAX_BYTES = 281_474_976_710_655;
/** Files in one torrent. */
export const FILES_MAX = 1_000_000;
/** Folders above a file, the torrent's own included. */
export const DIRECTORY_DEPTH_MAX = 100;
/** UTF-8 bytes of one file or folder name; longer ones are cut before their extension. */
export const PATH_ELEMENT_MAX_BYTES = 240;
/** UTF-8 bytes of a file's path under the save root. */
export const PATH_MAX_BYTES = 4_000;
/** Files whose names collide on some system and are told apart by a number. */
export const NAME_COLLISIONS_MAX = 500;
/** Trackers read from one tier. */
export const TRACKERS_PER_TIER_MAX = 100;
/** Tiers read from one torrent. */
export const TRACKER_TIERS_MAX = 20;
/** Web seeds (BEP 17 and 19 each) read from one torrent. */
export const WEB_SEEDS_MAX = 100;
/** Bytes of one URL in a torrent or magnet link. */
export const URL_MAX_BYTES = 2_048;
/** DHT bootstrap nodes read from one torrent. */
export const TORRENT_NODES_MAX = 100;
/** Characters of a magnet link. */
export const MAGNET_MAX_CHARACTERS: number = 64 * KIB;
/** Peer addresses (x.pe) read from a magnet link. */
export const MAGNET_PEERS_MAX = 100;

// ── The wire ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** Bytes in a block request: the request unit of BEP 3, and the v2 leaf size of BEP 52. */
export const BLOCK_BYTES: number = 16 * KIB;
/** Length prefix of any peer message; a torrent whose bitfield is larger may send that bitfield. */
export const WIRE_MESSAGE_MAX_BYTES: number = 1 * MIB;
/** Payload of an extension message (BEP 10). */
export const EXTENSION_MESSAGE_MAX_BYTES: number = 128 * KIB;
/** Extension handshakes accepted on one connection. */
export const EXTENSION_HANDSHAKES_MAX = 10;
/** Bytes of a client name (`v`) or other text kept from a peer. */
export const PEER_TEXT_MAX_BYTES = 128;
/** Extension names (`m`) read from one handshake. */
export const EXTENSIONS_PER_PEER_MAX = 64;
/** Blocks a peer may have asked for and not yet been sent; told to it as `reqq`. */
export const INCOMING_REQUESTS_MAX = 2_000;
/** Blocks that we ask of one peer at most, whatever its `reqq`. */
export const OUTGOING_REQUESTS_MAX = 2_000;
/** `reqq` assumed of a peer that names none. */
export const PEER_REQUEST_QUEUE_DEFAULT = 250;
/** Highest `reqq` believed. */
export const PEER_REQUEST_QUEUE_MAX = 2_000;
/** Requests of pieces we lack, of bad ranges or while choked, before the peer is disconnected. */
export const INVALID_REQUESTS_MAX = 300;
/** Blocks that arrive without having been asked for, before the peer is disconnected. */
export const UNSOLICITED_BLOCKS_MAX = 64;
/** Pieces a choked peer may fetch (BEP 6). */
export const ALLOWED_FAST_SET_SIZE = 10;
/** Times a choked peer may fetch one allowed-fast block. */
export const ALLOWED_FAST_REPEAT_MAX = 1;
/** Hashes in one hash request (BEP 52). */
export const HASH_REQUEST_LENGTH_MAX = 512;
/** Hash requests of one peer that wait for their answer; more are rejected. */
export const HASH_REQUESTS_QUEUED_MAX = 64;
/** Layers between a leaf and the root of the largest file: 2^48 bytes in leaves of 16 KiB (BEP 52). */
export const HASH_PROOF_LAYERS_MAX = 34;
/** Pieces that a peer may name to us as allowed fast; more are ignored. */
export const ALLOWED_FAST_RECEIVED_MAX = 100;
/** Suggestions of a peer that are remembered while it does not choke us; the oldest is dropped. */
export const SUGGESTIONS_RECEIVED_MAX = 16;
/** Have and lt_donthave messages remembered of one peer while the piece count is unknown; more are ignored. */
export const PENDING_HAVES_MAX = 16_384;
/** Bytes queued for sending to one peer before its requests wait. */
export const SEND_BUFFER_PEER_MAX_BYTES: number = 2 * MIB;
/** Bytes queued for sending over all peers. */
export const SEND_BUFFER_TOTAL_MAX_BYTES: number = 128 * MIB;

// ── Peers ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Connections of a session. */
export const CONNECTIONS_MAX = 500;
/** Connections of one torrent. */
export const CONNECTIONS_PER_TORRENT_MAX = 100;
/** Accepted connections of one torrent from one public address. */
export const CONNECTIONS_PER_ADDRESS_MAX = 8;
/** Accepted connections of one torrent from one public network (/24, or /64 of IPv6) that have exchanged nothing yet. */
export const CONNECTIONS_PER_NETWORK_MAX = 8;
/** Accepted connections that have not yet sent a whole handshake. */
export const HALF_OPEN_INBOUND_MAX = 20;
/** Addresses remembered for one torrent. */
export const PEER_LIST_MAX = 2_000;
/** Outgoing connection attempts per second, over all torrents. */
export const DIALS_PER_SECOND = 30;
/** Connection attempts under way at once, over all torrents. */
export const DIALS_IN_FLIGHT_MAX = 50;
/** From dialling to a connection, in ms. */
export const CONNECT_TIMEOUT_MS = 10_000;
/** From a connection to a whole handshake, in ms: all of it, not between bytes. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Without any byte from a peer, in ms. */
export const PEER_TIMEOUT_MS = 120_000;
/** Blocks wait in a peer's socket and none of them leaves, in ms: it asks and does not read. */
export const SEND_STALL_MS = 120_000;
/** Bytes on their way to a peer above which its requests for metadata are refused. */
export const METADATA_SENDING_MAX_BYTES: number = 256 * KIB;
/** Neither side interested in the other, in ms. */
export const PEER_INACTIVITY_MS = 600_000;
/** Without sending anything, in ms, before a keep-alive. */
export const KEEP_ALIVE_MS = 100_000;
/** Failed attempts before an address is forgotten. */
export const DIAL_FAILURES_MAX = 3;
/** First wait before dialling an address again, in ms; doubles. */
export const RECONNECT_MIN_MS = 60_000;
/** Longest wait before dialling an address again, in ms. */
export const RECONNECT_MAX_MS = 3_600_000;
/** How long a proven sender of bad data stays banned, in ms. */
export const BAN_MS = 86_400_000;
/** Banned addresses remembered. */
export const BANS_MAX = 10_000;
/** Failed pieces that several peers shared before one of them is put on parole. */
export const SHARED_FAILURES_MAX = 3;
/** Hashes and senders kept of a torrent's failed pieces; the oldest is forgotten. */
export const BLAME_MAX_BYTES: number = 4 * MIB;
/** Networks whose word on our own address is kept, of each family. */
export const EXTERNAL_ADDRESS_VOTES_MAX = 64;
/** From one attempt at a public address that did not answer to the next, whatever the port and the torrent, in ms. */
export const DIAL_SAME_ADDRESS_MS = 60_000;

// ── Peer exchange (BEP 11) ───────────────────────────────────────────────────────────────────────────────────────

/** Payload of a message that is read; longer ones are ignored. */
export const PEX_MESSAGE_MAX_BYTES: number = 64 * KIB;
/** Contacts of either family in a peer's first message, in those of others and in ours. */
export const PEX_INITIAL_PEERS_MAX = 200;
/** Contacts added in any later message, over both families, that we send; as many dropped; and taken of each family. */
export const PEX_PEERS_MAX = 50;
/** From one message of ours to a peer to the next, in ms. */
export const PEX_INTERVAL_MS = 60_000;
/** From one message of a peer to the next on the long run, in ms. */
export const PEX_RECEIVED_INTERVAL_MS = 45_000;
/** Messages that a peer may be ahead of that; one more ends the connection. */
export const PEX_RECEIVED_BURST = 3;
/** Contacts that one peer has added and not dropped; more are ignored. */
export const PEX_REMEMBERED_MAX = 200;

// ── Local service discovery (BEP 14) ─────────────────────────────────────────────────────────────────────────────

/** Largest datagram sent, and read: it passes any local network in one packet. */
export const LSD_DATAGRAM_MAX_BYTES = 1_400;
/** Info-hashes in one datagram of ours, and read from one. */
export const LSD_HASHES_MAX = 20;
/** From one announce of a torrent to its next, in ms. */
export const LSD_INTERVAL_MS = 300_000;
/** From one datagram of ours to the next, in ms. */
export const LSD_DATAGRAM_INTERVAL_MS = 1_000;
/** Datagrams read in one second; more are dropped. */
export const LSD_RECEIVED_PER_SECOND = 50;
/** Network interfaces that are announced on. */
export const LSD_INTERFACES_MAX = 16;

// ── Port mapping (RFC 6886, RFC 6887, UPnP) ──────────────────────────────────────────────────────────────────────

/** Largest answer of a router that is read, in bytes (RFC 6887, section 7). */
export const PORT_MAPPING_DATAGRAM_MAX_BYTES = 1_100;
/** Lifetime asked for, in seconds; renewed at half of what is given. */
export const PORT_MAPPING_LIFETIME_SECONDS = 7_200;
/** Shortest lifetime believed, in seconds: the router is not asked more often than twice in it. */
export const PORT_MAPPING_LIFETIME_MIN_SECONDS = 120;
/** Wait before the first repetition of a question, in ms; doubles. */
export const PORT_MAPPING_REPEAT_MS = 250;
/** Times a question is sent before the router counts as silent. */
export const PORT_MAPPING_SENDS_MAX = 4;
/** After a refusal or silence, until the router is asked again, in ms. */
export const PORT_MAPPING_RETRY_MS = 600_000;
/** Routers that are asked. */
export const GATEWAYS_MAX = 4;
/** Largest description or answer of a UPnP device that is read, in bytes. */
export const UPNP_BODY_MAX_BYTES: number = 64 * KIB;
/** Largest answer to a search for UPnP devices that is read, in bytes. */
export const SSDP_DATAGRAM_MAX_BYTES = 2_048;
/** Answers of neighbours to one search that are read; those of the router itself are not counted. */
export const SSDP_NEIGHBOUR_ANSWERS_MAX = 100;
/** UPnP devices remembered of one search; the router's own come first. */
export const UPNP_DEVICES_MAX = 8;
/** Services that map ports, read from one device. */
export const UPNP_SERVICES_MAX = 4;
/** Requests of HTTP from one search to the next. */
export const UPNP_EXCHANGES_MAX = 40;
/** Times that one service is asked for one port, with other words each time. */
export const UPNP_ATTEMPTS_MAX = 8;
/** One request of HTTP to a UPnP device, all of it, in ms. */
export const UPNP_TIMEOUT_MS = 5_000;
/** Taking back a mapping by UPnP at the end, all of it, in ms. */
export const UPNP_FAREWELL_MS = 1_500;
/** Nesting of elements in XML. */
export const XML_DEPTH_MAX = 16;
/** Tags, comments and instructions in XML. */
export const XML_TOKENS_MAX = 4_000;

// ── Trackers ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** Body of an HTTP tracker's reply in bytes, as received and decompressed. */
export const TRACKER_REPLY_MAX_BYTES: number = 1 * MIB;
/** Peers taken from one reply. */
export const TRACKER_PEERS_MAX = 500;
/** An announce over HTTP, all of it, in ms. */
export const TRACKER_TIMEOUT_MS = 30_000;
/** The announce of `stopped`, all of it, in ms. */
export const TRACKER_STOP_TIMEOUT_MS = 3_000;
/** A scrape of one tracker, all of it, in ms. */
export const TRACKER_SCRAPE_TIMEOUT_MS = 15_000;
/** Announces under way at once, over all torrents. */
export const TRACKER_CONCURRENT_MAX = 50;
/** Shortest interval believed, in ms. */
export const TRACKER_INTERVAL_MIN_MS = 60_000;
/** Longest interval believed, in ms. */
export const TRACKER_INTERVAL_MAX_MS = 14_400_000;
/** Interval when the tracker names none, in ms. */
export const TRACKER_INTERVAL_DEFAULT_MS = 1_800_000;
/** Longest wait that a tracker may ask for with its failure, in ms (BEP 31); "never" is believed. */
export const TRACKER_RETRY_MAX_MS = 86_400_000;
/** Peers asked for in an announce. */
export const TRACKER_NUM_WANT = 200;
/** Redirects followed. */
export const HTTP_REDIRECTS_MAX = 5;
/** Characters of a tracker's failure reason or warning that are kept. */
export const TRACKER_TEXT_MAX_CHARACTERS = 200;
/** Bytes of a tracker id kept and sent back. */
export const TRACKER_ID_MAX_BYTES = 512;
/** How long a UDP tracker's connection id is used, in ms (BEP 15). */
export const UDP_CONNECTION_ID_MS = 60_000;

// ── The DHT ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Bytes of a datagram that is read as a message of the DHT. */
export const DHT_DATAGRAM_MAX_BYTES = 1_500;
/** Bytes of a datagram that we send: what IPv6 always lets through. BEP 32 says 1,024, a whole item of BEP 44 needs more. */
export const DHT_REPLY_MAX_BYTES = 1_232;
/** Values in one message. */
export const DHT_TOKENS_MAX = 500;
/** Bytes of another node's transaction id, which our answer repeats. */
export const DHT_TRANSACTION_ID_MAX_BYTES = 32;
/** Bytes of another node's write token, which our announce repeats. */
export const DHT_TOKEN_MAX_BYTES = 128;
/** Peers taken from one response. */
export const DHT_VALUES_MAX = 200;
/** Nodes taken from one response. */
export const DHT_NODES_PER_RESPONSE_MAX = 16;
/** Bytes sent for each byte received from an address that has not shown that it is not forged. */
export const DHT_AMPLIFICATION_MAX = 10;
/** Torrents whose peers are kept for others. */
export const DHT_TORRENTS_MAX = 2_000;
/** Peers kept of one torrent. */
export const DHT_PEERS_PER_TORRENT_MAX = 500;
/** Items kept for others (BEP 44). */
export const DHT_ITEMS_MAX = 700;
/** Bytes of an item's value (BEP 44). */
export const DHT_ITEM_MAX_BYTES = 1_000;
/** Bytes of a mutable item's salt (BEP 44). */
export const DHT_SALT_MAX_BYTES = 64;
/** How long an announced peer is kept, in ms. */
export const DHT_PEER_LIFETIME_MS = 2_700_000;
/** How long an item is kept without being put again, in ms (BEP 44). */
export const DHT_ITEM_LIFETIME_MS = 7_200_000;
/** Signatures checked for one address, a second. */
export const DHT_VERIFIES_PER_SECOND = 20;
/** Messages from one public address within ten seconds before it is not answered for a while. */
export const DHT_QUERIES_PER_ADDRESS_MAX = 50;
/** How long an address that asks too much is not answered, in ms. */
export const DHT_BLOCK_MS = 300_000;
/** Addresses whose messages are counted. */
export const DHT_ADDRESSES_COUNTED_MAX = 1_024;
/** Bytes sent a second, a mean over three seconds. */
export const DHT_UPLOAD_BYTES_PER_SECOND = 8_000;
/** Queries that wait for their answer. */
export const DHT_TRANSACTIONS_MAX = 512;
/** Look-ups of one node at once. */
export const DHT_LOOKUPS_MAX = 64;
/** Nodes that one look-up remembers. */
export const DHT_LOOKUP_NODES_MAX = 200;
/** Peers that one look-up hands on. */
export const DHT_LOOKUP_PEERS_MAX = 1_000;
/** Info-hashes in one sample (BEP 51). */
export const DHT_SAMPLES_MAX = 20;
/** Nodes kept from one run of the program to the next. */
export const DHT_SAVED_NODES_MAX = 200;

// ── Disk and memory ──────────────────────────────────────────────────────────────────────────────────────────────

/** Bytes received and not yet written, over all torrents, before peers are read no further. */
export const UNWRITTEN_TOTAL_MAX_BYTES: number = 32 * MIB;
/** Memory for blocks of all torrents: pieces that are coming in, and those that wait for the disk. */
export const BLOCK_MEMORY_MAX_BYTES: number = 128 * MIB;
/** Bytes of one slab: a piece, or a part of a piece that is larger. */
export const SLAB_BYTES: number = 1 * MIB;
/** Files open at once. */
export const OPEN_FILES_MAX = 64;
