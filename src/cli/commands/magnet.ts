// `millrace magnet`: the magnet link of a .torrent file.
import type { CliContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { loadSource } from '../source.ts';

export async function magnet(text: string, context: CliContext): Promise<ExitCode> {
  const source = await loadSource(text, context, new AbortController().signal);
  const { readTorrent } = await context.facade();
  context.stdout.write(`${readTorrent(source).magnet}\n`);
  return EXIT.done;
}
