// Waits until the benchmark that started it is gone, however it ended, and removes the namespaces and folders that it left.
//
//   reaper FOLDER      (standard input: a pipe that the benchmark holds open)
import { sweepNamespaces } from '../../../interop/world/world.ts';

const OWNER_GONE_MS = 200;

const [folder = ''] = process.argv.slice(2);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.stdin.resume();
// The pipe may close a moment before its owner counts as gone.
process.stdin.on('end', () => setTimeout(() => sweepNamespaces(false, folder), OWNER_GONE_MS));
