// Every group, in the order of the table.
import type { OperationGroup } from '../operation.ts';
import { base } from './base.ts';
import { bencoding } from './bencode.ts';
import { choker } from './choker.ts';
import { hash } from './hash.ts';
import { layout } from './layout.ts';
import { picker } from './picker.ts';
import { wire } from './wire.ts';

export const GROUPS: readonly OperationGroup[] = [wire, picker, bencoding, hash, choker, layout, base];

/** Those named, all without names. @throws Error for a name that is none. */
export function groupsNamed(names: readonly string[]): readonly OperationGroup[] {
  const unknown = names.filter((name) => !GROUPS.some((group) => group.name === name));
  if (unknown.length > 0) {
    throw new Error(`no group ${unknown.join(', ')}; there are ${GROUPS.map((group) => group.name).join(', ')}`);
  }
  return names.length === 0 ? GROUPS : GROUPS.filter((group) => names.includes(group.name));
}
