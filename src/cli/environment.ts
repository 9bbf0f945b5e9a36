// Options from the environment: `--max-upload` is also MILLRACE_MAX_UPLOAD. A flag beats it.
import { type Command, InvalidArgumentError, type Option } from 'commander';
import { usageFailure } from './exit-code.ts';

const TRUE = ['1', 'true', 'yes', 'on'];
const FALSE = ['0', 'false', 'no', 'off'];

/** `MILLRACE_NO_DHT` for `--no-dht`. */
export function environmentName(option: Option): string {
  return `MILLRACE_${option.long!.slice(2).replaceAll('-', '_').toUpperCase()}`;
}

/** Sets what the environment names and the command line does not. Empty variables count as absent. */
export function applyEnvironment(command: Command, env: Readonly<Record<string, string | undefined>>): void {
  for (const option of command.options) {
    if (option.long === undefined || option.long === null || option.hidden) continue;
    const name = environmentName(option);
    const text = env[name];
    if (text === undefined || text === '') continue;
    const attribute = option.attributeName();
    if (command.getOptionValueSource(attribute) === 'cli') continue;
    const value = parseVariable(option, name, text);
    if (value !== undefined) command.setOptionValueWithSource(attribute, value, 'env');
  }
}

function parseVariable(option: Option, name: string, text: string): unknown {
  if (option.isBoolean() && option.parseArg === undefined) {
    const word = text.toLowerCase();
    if (!TRUE.includes(word) && !FALSE.includes(word)) {
      throw usageFailure(`${name} must be one of ${[...TRUE, ...FALSE].join(', ')}, not "${text}".`);
    }
    // A negated option that is switched off leaves the default.
    if (option.negate) return TRUE.includes(word) ? false : undefined;
    return TRUE.includes(word);
  }
  try {
    if (option.parseArg === undefined) return text;
    // Repeatable options take several values, separated by spaces.
    let value: unknown;
    for (const part of isRepeatable(option) ? text.trim().split(/\s+/) : [text]) value = option.parseArg(part, value);
    return value;
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw usageFailure(`${name} is "${text}": ${error.message}`);
  }
}

function isRepeatable(option: Option): boolean {
  return option.description.includes('(repeatable)');
}
