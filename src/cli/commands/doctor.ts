// `millrace doctor`: tests what a download needs of this computer and its network, one line each, and says what to do. A
// network that is not there is a finding like others; with `--offline` nothing is sent to anybody.
import type { Facade, SessionLike, TorrentDescription } from '../../engine/api.ts';
import type { CliContext } from '../context.ts';
import { testDisk } from '../doctor/disk-test.ts';
import { exitCodeOf, type Finding, printFinding, skipped } from '../doctor/finding.ts';
import { testClock, testNames, testTrackers } from '../doctor/network-tests.ts';
import { listening, notListening, testDht, testRouter, testUdp } from '../doctor/session-tests.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { type LoadedSource, loadSource } from '../source.ts';

export interface DoctorFlags {
  readonly output?: string;
  readonly port?: number;
  readonly bind?: string;
  readonly dhtBootstrap?: readonly string[];
  readonly offline?: boolean;
  readonly dht: boolean;
  readonly trackers: boolean;
  readonly portMapping: boolean;
  readonly json?: boolean;
}

interface Patient {
  readonly source: LoadedSource;
  readonly description: TorrentDescription;
}

export async function doctor(text: string | undefined, flags: DoctorFlags, context: CliContext): Promise<ExitCode> {
  const interrupt = context.catchSignals(() => undefined);
  const facade = await context.facade();
  const patient = await loadPatient(text, facade, context, interrupt);
  const findings: Finding[] = [];
  for await (const finding of examine(patient, flags, facade, context)) {
    if (interrupt.aborted) return EXIT.interrupted;
    findings.push(finding);
    printFinding(finding, flags.json === true, context.stdout);
  }
  return exitCodeOf(findings);
}

async function loadPatient(
  text: string | undefined,
  facade: Facade,
  context: CliContext,
  signal: AbortSignal,
): Promise<Patient | undefined> {
  if (text === undefined) return undefined;
  const source = await loadSource(text, context, signal);
  return { source, description: facade.readTorrent(source) };
}

/** The tests in their order; the slow ones that depend on nothing run meanwhile. */
async function* examine(
  patient: Patient | undefined,
  flags: DoctorFlags,
  facade: Facade,
  context: CliContext,
): AsyncGenerator<Finding> {
  const isOffline = flags.offline === true;
  const network = isOffline ? offlineTests() : networkTests(patient, flags, facade);
  yield* sessionFindings(flags, facade, network);
  yield await testDisk(flags.output ?? '.', patient?.description.totalSize ?? 0, context.nowMs);
  yield await network.clock;
}

interface NetworkTests {
  readonly names: Promise<Finding>;
  readonly trackers: Promise<Finding>;
  readonly clock: Promise<Finding>;
}

function networkTests(patient: Patient | undefined, flags: DoctorFlags, facade: Facade): NetworkTests {
  const asked = flags.trackers ? patient : undefined;
  const nodes = flags.dht ? (flags.dhtBootstrap ?? facade.dhtBootstrap) : [];
  const hosts = [...nodes.map(hostOfNode), ...(asked?.description.trackers.flat().map(hostOfUrl) ?? [])];
  if (asked === undefined) {
    const why = flags.trackers ? 'name a torrent to have its trackers asked' : 'switched off';
    return {
      names: testNames(hosts),
      trackers: Promise.resolve(skipped('trackers', why)),
      clock: Promise.resolve(skipped('clock', 'no HTTP tracker is asked')),
    };
  }
  return {
    names: testNames(hosts),
    trackers: testTrackers(facade, asked.source).catch((error: unknown) => skipped('trackers', String(error))),
    clock: testClock(asked.description),
  };
}

function offlineTests(): NetworkTests {
  const [names, trackers, clock] = (['dns', 'trackers', 'clock'] as const).map((test) =>
    Promise.resolve(skipped(test, 'offline')),
  );
  return { names: names!, trackers: trackers!, clock: clock! };
}

async function* sessionFindings(flags: DoctorFlags, facade: Facade, network: NetworkTests): AsyncGenerator<Finding> {
  const isOffline = flags.offline === true;
  const opened = await openSession(flags, facade);
  const { session } = opened;
  try {
    yield opened.finding;
    const [first] = session?.listening ?? [];
    yield first === undefined ? skipped('udp', 'no port to bind') : await testUdp(first);
    if (isOffline) yield skipped('router', 'offline');
    else if (!flags.portMapping) yield skipped('router', 'switched off');
    else yield session === undefined ? skipped('router', 'no port to map') : await testRouter(session);
    yield await network.names;
    yield await network.trackers;
    if (isOffline) yield skipped('dht', 'offline');
    else yield session === undefined ? skipped('dht', 'no session') : await testDht(session);
  } finally {
    await session?.close({ timeoutMs: 0 });
  }
}

async function openSession(
  flags: DoctorFlags,
  facade: Facade,
): Promise<{ readonly session: SessionLike | undefined; readonly finding: Finding }> {
  const isOnline = flags.offline !== true;
  const options = {
    ...(flags.bind === undefined ? {} : { bind: flags.bind }),
    ...(flags.dhtBootstrap === undefined ? {} : { dhtBootstrap: flags.dhtBootstrap }),
    trackers: false,
    localDiscovery: false,
    pex: false,
    dht: isOnline && flags.dht,
    dhtReadOnly: true,
    portMapping: isOnline && flags.portMapping,
  };
  try {
    const session = await facade.openSession(
      flags.port === undefined ? options : { ...options, listenPort: flags.port },
    );
    return { session, finding: listening(session.listening, flags.port) };
  } catch (error) {
    // The other tests go on over whatever port there is.
    const session = await facade.openSession({ ...options, listenPort: 0 }).catch(() => undefined);
    return { session, finding: notListening(error) };
  }
}

function hostOfNode(text: string): string {
  return text.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
}

function hostOfUrl(url: string): string {
  try {
    return new URL(url).hostname.replace(/^\[|\]$/g, '');
  } catch {
    return '';
  }
}
