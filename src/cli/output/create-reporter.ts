// Chooses the form: JSON lines, lines redrawn in place, or plain lines.
import type { CliContext } from '../context.ts';
import { JsonReporter } from './json-reporter.ts';
import { LiveReporter } from './live-reporter.ts';
import { PlainReporter } from './plain-reporter.ts';
import type { Reporter, ReporterOptions } from './reporter.ts';

export function createReporter(context: CliContext, options: ReporterOptions): Reporter {
  if (options.json) return new JsonReporter(context, options);
  const isTerminal = context.stdout.isTTY === true && context.env['TERM'] !== 'dumb';
  if (isTerminal && !options.quiet) return new LiveReporter(context, options);
  return new PlainReporter(context, options);
}
