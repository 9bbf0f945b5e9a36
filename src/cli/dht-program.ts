// `millrace dht` and its commands as commander knows them. Imports no command: each is loaded when it runs.
import { type Command, InvalidArgumentError } from 'commander';
import type { DhtGetFlags } from './commands/dht-get.ts';
import type { DhtPutFlags } from './commands/dht-put.ts';
import type { CliContext } from './context.ts';
import type { ExitCode } from './exit-code.ts';
import { parseDuration } from './parse/duration.ts';
import { parsePeer } from './parse/endpoint.ts';
import { collect, countUp } from './transfer-options.ts';
import type { DhtFlags } from './with-dht.ts';

const SALT_MAX_BYTES = 64;

export function addDht(program: Command, context: CliContext, setExitCode: (code: ExitCode) => void): void {
  const dht = program.command('dht').description('ask the DHT: peers, items, samples, nodes');
  addOptions(dht.command('lookup').description('who has a torrent'))
    .argument('<torrent>', 'info-hash, magnet link or .torrent file')
    .action(async (torrent: string, flags: DhtFlags) => {
      const { dhtLookup } = await import('./commands/dht-lookup.ts');
      setExitCode(await dhtLookup(torrent, flags, context));
    });
  addOptions(dht.command('put').description('have the DHT keep a text or small file for two hours (BEP 44)'))
    .argument('<value>', 'a file that is there, or else the text itself; 1,000 bytes at most')
    .option('--key <FILE>', 'sign it, so that it can be changed; a file that is not there is made with a new key')
    .option('--salt <TEXT>', 'tells the items of one key apart; hex:6e for bytes', parseSalt)
    .option('--seq <N>', 'the version (default: one more than the nodes have)', parseSeq)
    .option('--torrent', 'put a pointer to this torrent, and print the link that follows it (BEP 46)')
    .option('--bencoded', 'the value is bencoded already')
    .action(async (value: string, flags: DhtPutFlags) => {
      const { dhtPut } = await import('./commands/dht-put.ts');
      setExitCode(await dhtPut(value, flags, context));
    });
  addOptions(dht.command('get').description('print an item of the DHT (BEP 44)'))
    .argument('<target>', '40 hexadecimal digits, or the 64 of a public key', (text) => parseHex(text, [40, 64]))
    .option('--salt <TEXT>', 'of an item that was put with one; hex:6e for bytes', parseSalt)
    .action(async (target: string, flags: DhtGetFlags) => {
      const { dhtGet } = await import('./commands/dht-get.ts');
      setExitCode(await dhtGet(target, flags, context));
    });
  addOptions(dht.command('sample').description('torrents that the nodes around a target know (BEP 51)'))
    .argument('<target>', '40 hexadecimal digits', (text) => parseHex(text, [40]))
    .action(async (target: string, flags: DhtFlags) => {
      const { dhtSample } = await import('./commands/dht-sample.ts');
      setExitCode(await dhtSample(target, flags, context));
    });
  addOptions(dht.command('ping').description('whether a node is there'))
    .argument('<host:port>', 'the node', parsePeer)
    .action(async (host: string, flags: DhtFlags) => {
      const { dhtPing } = await import('./commands/dht-ping.ts');
      setExitCode(await dhtPing(host, flags, context));
    });
}

function addOptions(command: Command): Command {
  return command
    .option('--bind <ADDR>', 'address or interface name to send with')
    .option(
      '--dht-bootstrap <HOST:PORT>',
      'begin with this node of the DHT instead of the usual ones (repeatable)',
      (value, previous: readonly string[] | undefined) => collect(parsePeer(value), previous),
    )
    .option('--timeout <DURATION>', 'give up by then: 10s, 1m', parseDuration)
    .option('--json', 'print one JSON object')
    .option('-q, --quiet', 'print the result and failures only')
    .option('-v, --verbose', 'say more (-vv: still more, and stack traces)', countUp);
}

function parseSalt(text: string): Uint8Array {
  const isHex = text.startsWith('hex:');
  const digits = text.slice('hex:'.length);
  if (isHex && !/^(?:[0-9a-f]{2})*$/i.test(digits)) {
    throw new InvalidArgumentError('After hex: come pairs of hexadecimal digits.');
  }
  const salt = new Uint8Array(Buffer.from(isHex ? digits : text, isHex ? 'hex' : 'utf8'));
  if (salt.length > SALT_MAX_BYTES) throw new InvalidArgumentError(`A salt has ${SALT_MAX_BYTES} bytes at most.`);
  return salt;
}

function parseSeq(text: string): number {
  const seq = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(seq)) throw new InvalidArgumentError('A version is a whole number below 2^53.');
  return seq;
}

function parseHex(text: string, lengths: readonly number[]): string {
  if (/^[0-9a-f]*$/i.test(text) && lengths.includes(text.length)) return text.toLowerCase();
  throw new InvalidArgumentError(`Write ${lengths.join(' or ')} hexadecimal digits.`);
}
