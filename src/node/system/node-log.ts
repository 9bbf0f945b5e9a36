// Logs that go nowhere, and logs that go to a function.
import type { Log } from '../../platform/log.ts';

export const SILENT_LOG: Log = { write: () => {} };
