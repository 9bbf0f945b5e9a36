// The private key of a publisher: a file with the 64 hexadecimal digits of an Ed25519 seed, readable by its owner alone. A file
// that is not there is made, with a new key.
import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { CliFailure, EXIT } from './exit-code.ts';
import { cleanText } from './output/clean-text.ts';

const SEED_BYTES = 32;
/** The digits and a line's end; a longer file is something else. */
const FILE_MAX_BYTES = 128;
const OTHERS_MAY_READ = 0o077;

export interface KeyFile {
  /** The seed, 32 bytes. */
  readonly privateKey: Uint8Array;
  readonly isNew: boolean;
  /** Others than its owner may read or write it. */
  readonly isExposed: boolean;
}

/** @throws {CliFailure} `KEY_INVALID`; what the file system says. */
export async function loadKeyFile(path: string): Promise<KeyFile> {
  return (await createKeyFile(path)) ?? (await readKeyFile(path));
}

/** Undefined when something stands there already. */
async function createKeyFile(path: string): Promise<KeyFile | undefined> {
  const privateKey = new Uint8Array(randomBytes(SEED_BYTES));
  try {
    // Never through a name that somebody else has prepared: the file must be new.
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(`${Buffer.from(privateKey).toString('hex')}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    return { privateKey, isNew: true, isExposed: false };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return undefined;
    throw error;
  }
}

async function readKeyFile(path: string): Promise<KeyFile> {
  const file = await open(path, 'r');
  try {
    const { mode } = await file.stat();
    const bytes = Buffer.alloc(FILE_MAX_BYTES);
    const { bytesRead } = await file.read(bytes, 0, FILE_MAX_BYTES, 0);
    const digits = bytes.toString('latin1', 0, bytesRead).trim();
    if (!/^[0-9a-f]{64}$/i.test(digits)) {
      throw new CliFailure(
        'KEY_INVALID',
        EXIT.path,
        `${cleanText(path, 200)} is no key: it has not the 64 hexadecimal digits of one; name a file that is not there to make one.`,
      );
    }
    const isExposed = process.platform !== 'win32' && (mode & OTHERS_MAY_READ) !== 0;
    return { privateKey: new Uint8Array(Buffer.from(digits, 'hex')), isNew: false, isExposed };
  } finally {
    await file.close();
  }
}
