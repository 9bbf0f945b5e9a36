// How much of its uplink a host used, and when: sums over samples of its counters. Pure.
export interface TrafficSample {
  /** Since the leechers were started. */
  readonly seconds: number;
  /** Since the first sample; with headers. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** Bytes by that time, between two samples in proportion. */
export function bytesAt(
  samples: readonly TrafficSample[],
  seconds: number,
  counter: 'sentBytes' | 'receivedBytes',
): number {
  let before: TrafficSample | undefined;
  for (const sample of samples) {
    if (sample.seconds >= seconds) {
      const from = before ?? { seconds: 0, sentBytes: 0, receivedBytes: 0 };
      const span = sample.seconds - from.seconds;
      const share = span > 0 ? (seconds - from.seconds) / span : 1;
      return from[counter] + share * (sample[counter] - from[counter]);
    }
    before = sample;
  }
  return before?.[counter] ?? 0;
}

/** Mean share of the uplinks of these hosts that was used between two times. */
export function utilisation(
  hosts: readonly (readonly TrafficSample[])[],
  mbit: number,
  fromSeconds: number,
  toSeconds: number,
): number {
  const bytes = hosts.reduce(
    (sum, samples) => sum + bytesAt(samples, toSeconds, 'sentBytes') - bytesAt(samples, fromSeconds, 'sentBytes'),
    0,
  );
  return bytes / (hosts.length * (toSeconds - fromSeconds) * (mbit * 125_000));
}

/** The same for each of `count` equal parts of the time up to `endSeconds`. */
export function utilisationCurve(
  hosts: readonly (readonly TrafficSample[])[],
  mbit: number,
  endSeconds: number,
  count: number,
): number[] {
  const part = endSeconds / count;
  return Array.from({ length: count }, (_, index) => utilisation(hosts, mbit, index * part, (index + 1) * part));
}

/** When so much had come to a host; NaN when it never did. */
export function secondsToReceive(samples: readonly TrafficSample[], bytes: number): number {
  return samples.find(({ receivedBytes }) => receivedBytes >= bytes)?.seconds ?? Number.NaN;
}
