// Why nobody is connected: who was asked for peers and what came of it, and how dialling went.

import type { TorrentReason } from './reasons.ts';
import type { ConnectionFacts, DhtFacts, SourceFacts, TrackerFacts } from './torrent-snapshot.ts';
import { countOf, listOf, timeOf } from './words.ts';

/** Words of a tracker that are quoted. */
const QUOTE_MAX_CHARACTERS = 80;

/** The reason that a torrent without a connected peer has none. */
export function whyNobodyIsConnected(connections: ConnectionFacts, sources: SourceFacts): TorrentReason {
  const { dialingCount, handshakingCount, knownCount, dueCount, fullLimit, connectionsMax } = connections;
  if (dialingCount + handshakingCount > 0) {
    return waiting('dialling', `No peer is connected yet: ${dialsSentence(connections)}.`, dialDetails(connections));
  }
  if (dueCount > 0 && fullLimit !== undefined) return connectionLimit(fullLimit, connectionsMax, dueCount, 'waiting');
  // Within its turn each second, or about to be.
  if (dueCount > 0) {
    const message = `No peer is connected yet: ${countOf(dueCount, 'peer')} about to be dialled.`;
    return waiting('dialling', message, dialDetails(connections));
  }
  if (knownCount > 0) {
    const again = connections.nextInMs === Infinity ? '' : `; the next attempt is in ${timeOf(connections.nextInMs)}`;
    const who = knownCount === 1 ? 'The only known peer cannot' : `None of the ${knownCount} known peers can`;
    const why = failuresOf(connections);
    return waiting('peers-unreachable', `${who} be reached${why === '' ? '' : ` (${why})`}${again}.`, {
      ...dialDetails(connections),
      ...(connections.nextInMs === Infinity ? {} : { nextInMs: Math.ceil(connections.nextInMs) }),
    });
  }
  return whyNobodyIsKnown(sources);
}

export function connectionLimit(
  fullLimit: 'session' | 'torrent',
  connectionsMax: number,
  dueCount: number,
  effect: TorrentReason['effect'],
): TorrentReason {
  const whose = fullLimit === 'session' ? "The session's" : "The torrent's";
  return {
    code: 'connection-limit',
    effect,
    message: `${whose} limit of ${countOf(connectionsMax, 'connection')} is reached; ${dueCount} more could be tried.`,
    details: { limit: fullLimit, connectionsMax, dueCount },
  };
}

/** What came of asking: `2 trackers asked: …; the DHT knows no peer (12 nodes asked)`; empty when nobody could be asked. */
export function sourcesSentence(sources: SourceFacts): string {
  const parts = [trackersSentence(sources), dhtSentence(sources.dht)].filter((part) => part !== '');
  if (sources.usesLocalDiscovery) parts.push('no neighbour on the local network has answered');
  return parts.join('; ');
}

function dhtSentence({ state, answerCount, peerCount }: DhtFacts): string {
  if (state === 'asking') return 'the DHT is being asked';
  if (state === 'silent') return 'no node of the DHT has answered';
  if (state !== 'answered') return '';
  const nodes = countOf(answerCount, 'node');
  return peerCount === 0
    ? `${nodes} of the DHT named no peer`
    : `${nodes} of the DHT named ${countOf(peerCount, 'peer')}`;
}

function trackersSentence({ trackers, usesTrackers }: SourceFacts): string {
  const asked = usesTrackers ? trackers.filter(({ state }) => state !== 'spare') : [];
  if (asked.length === 0) return '';
  const results: string[] = [];
  const add = (found: readonly TrackerFacts[], words: string): void => {
    if (found.length > 0) results.push(asked.length === 1 ? words : `${found.length} ${words}`);
  };
  const answered = asked.filter(({ state }) => state === 'answered');
  const failed = asked.filter(({ state }) => state === 'failed');
  add(
    asked.filter(({ state }) => state === 'asking'),
    'not answered yet',
  );
  add(
    answered.filter(({ peerCount }) => peerCount === 0),
    'answered with no peers',
  );
  const peerCount = answered.reduce((sum, tracker) => sum + tracker.peerCount, 0);
  add(
    answered.filter((tracker) => tracker.peerCount > 0),
    `answered with ${countOf(peerCount, 'peer')}`,
  );
  add(failed, `failed${quoteOf(failed)}`);
  return `${countOf(asked.length, 'tracker')} asked: ${listOf(results)}`;
}

function whyNobodyIsKnown(sources: SourceFacts): TorrentReason {
  const { trackers, usesTrackers, namedPeerCount, unresolvedPeerCount, dht, usesLocalDiscovery } = sources;
  const details = sourceDetails(sources);
  const hasTrackers = trackers.length > 0 && usesTrackers;
  const usesDht = dht.state !== 'off' && dht.state !== 'private';
  if (namedPeerCount === 0 && !hasTrackers && !usesDht) {
    const noTracker = trackers.length > 0 ? 'Its trackers are switched off' : 'It has no tracker';
    const noDht = dht.state === 'private' ? 'it is private and may not use the DHT' : 'the DHT is switched off';
    const neighbours = usesLocalDiscovery ? '; only the local network is asked' : '';
    const message = `${noTracker}, ${noDht} and no peer was named: add a tracker or a peer${neighbours}.`;
    return waiting('no-sources', message, details);
  }
  const sentence = sourcesSentence(sources);
  const unresolved =
    unresolvedPeerCount > 0
      ? `; ${countOf(unresolvedPeerCount, 'named peer')} ${has(unresolvedPeerCount)} no address`
      : '';
  const isAsking = (usesTrackers && trackers.some(({ state }) => state === 'asking')) || dht.state === 'asking';
  const isResolving = namedPeerCount > unresolvedPeerCount && !hasTrackers && !usesDht;
  if (isAsking || isResolving) {
    return waiting(
      'finding-peers',
      `Peers are being looked for${sentence === '' ? '' : `; ${sentence}`}${unresolved}.`,
      details,
    );
  }
  return waiting('no-peers', `No peer is known${sentence === '' ? '' : `; ${sentence}`}${unresolved}.`, details);
}

export function sourceDetails({
  trackers,
  namedPeerCount,
  unresolvedPeerCount,
  dht,
}: SourceFacts): Record<string, number> {
  const count = (state: TrackerFacts['state']): number => trackers.filter((tracker) => tracker.state === state).length;
  return {
    trackerCount: trackers.length,
    askingCount: count('asking'),
    answeredCount: count('answered'),
    failedCount: count('failed'),
    peersInAnswers: trackers.reduce((sum, { peerCount }) => sum + peerCount, 0),
    namedPeerCount,
    unresolvedPeerCount,
    dhtNodeCount: dht.answerCount,
  };
}

function dialsSentence(connections: ConnectionFacts): string {
  const { dialingCount, handshakingCount } = connections;
  const parts: string[] = [];
  if (dialingCount > 0) parts.push(`${dialingCount} being dialled`);
  if (handshakingCount > 0) parts.push(`${handshakingCount} exchanging handshakes`);
  const failures = failuresOf(connections);
  return failures === '' ? listOf(parts) : `${listOf(parts)}; ${failures}`;
}

/** `3 refused and 2 timed out`. */
function failuresOf({ failures }: ConnectionFacts): string {
  const words = [
    [failures.refused, 'refused'],
    [failures['timed-out'], 'timed out'],
    [failures.unreachable, 'unreachable'],
    [failures.ended, 'hung up'],
  ] as const;
  return listOf(words.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`));
}

function dialDetails({
  knownCount,
  dialingCount,
  handshakingCount,
  failures,
}: ConnectionFacts): Record<string, number> {
  return {
    knownCount,
    dialingCount,
    handshakingCount,
    refusedCount: failures.refused,
    timedOutCount: failures['timed-out'],
    unreachableCount: failures.unreachable,
    endedCount: failures.ended,
  };
}

/** What most of them said. */
function quoteOf(failed: readonly TrackerFacts[]): string {
  const counts = new Map<string, number>();
  for (const { message } of failed) if (message !== undefined) counts.set(message, (counts.get(message) ?? 0) + 1);
  let best: string | undefined;
  for (const [message, count] of counts) if (best === undefined || count > counts.get(best)!) best = message;
  if (best === undefined) return '';
  const words = best.replace(/\.$/, '');
  const cut = words.length > QUOTE_MAX_CHARACTERS ? `${words.slice(0, QUOTE_MAX_CHARACTERS)}…` : words;
  return ` (${counts.size > 1 ? 'mostly: ' : ''}${cut})`;
}

function has(count: number): string {
  return count === 1 ? 'has' : 'have';
}

function waiting(code: TorrentReason['code'], message: string, details: TorrentReason['details']): TorrentReason {
  return { code, effect: 'waiting', message, details };
}
