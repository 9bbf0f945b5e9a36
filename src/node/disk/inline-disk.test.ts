import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeDisk } from '../../platform/disk.contract.ts';
import { InlineDisk } from './inline-disk.ts';

describeDisk('InlineDisk', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-inline-disk-'));
  return {
    disk: new InlineDisk(),
    rootPath: join(folder, 'save', 'root'),
    dispose: () => rmSync(folder, { recursive: true }),
  };
});
