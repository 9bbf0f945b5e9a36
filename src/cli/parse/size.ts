// Sizes and rates as a user writes them: `5M`, `500k`, `5MiB/s`, `1048576`. Decimal prefixes count in thousands,
// binary ones (`Ki`, `Mi`, `Gi`, `Ti`) in 1,024s. Throws InvalidArgumentError, which the command line reports as usage.
import { InvalidArgumentError } from 'commander';

const PREFIXES = 'kmgt';
const PATTERN = /^(\d+(?:\.\d+)?|\.\d+)\s*(?:([kmgt])(i?))?(B?)$/i;
const EXAMPLES = 'write bytes as 500k, 5M or 5MiB';

/** Bytes, a whole number. `binaryPrefixes` makes `1M` mean 1 MiB, for sizes that are powers of two by nature. */
export function parseSize(text: string, options: { readonly binaryPrefixes?: boolean } = {}): number {
  const match = PATTERN.exec(text.trim());
  if (match === null) throw new InvalidArgumentError(`That is not a size; ${EXAMPLES}.`);
  const [, digits, prefix, binary, unit] = match;
  // "Mb" means megabits to many: eight times less than the same letters meant to be bytes.
  if (unit === 'b') throw new InvalidArgumentError(`Bits are not understood; ${EXAMPLES} with a capital B.`);
  const base = binary !== '' || options.binaryPrefixes === true ? 1024 : 1000;
  const exponent = prefix === undefined ? 0 : PREFIXES.indexOf(prefix.toLowerCase()) + 1;
  const bytes = Math.round(Number(digits) * base ** exponent);
  if (!Number.isSafeInteger(bytes)) throw new InvalidArgumentError('That is more bytes than can be counted.');
  return bytes;
}

/** Bytes per second; `/s` may follow. 0 and `unlimited` mean no limit: Infinity. */
export function parseRate(text: string): number {
  if (text.trim().toLowerCase() === 'unlimited') return Number.POSITIVE_INFINITY;
  const rate = parseSize(text.trim().replace(/\/s$/i, ''));
  return rate === 0 ? Number.POSITIVE_INFINITY : rate;
}
