// What benchmarks read from their options besides text: names from a list, and numbers. Throws one sentence that names the option.

/** @throws {Error} one of the names is not known. */
export function knownNames<T extends string>(
  names: readonly string[],
  known: readonly T[],
  option: string,
): readonly T[] {
  const chosen = names as readonly T[];
  const unknown = chosen.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Error(`${option} does not know ${unknown.join(', ')}; it knows ${known.join(', ')}`);
  return chosen;
}

/** @throws {Error} not a number above 0. */
export function positive(text: string, option: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${option} wants a positive number`);
  return value;
}
