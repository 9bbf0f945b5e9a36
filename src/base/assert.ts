// What must hold in our own code. Never for remote input: that is a value, not an exception.

/** Thrown when our own code broke a rule of its own. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
  readonly code = 'INTERNAL_BUG';
}

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** For the branch that the types say cannot be reached. */
export function assertNever(value: never): never {
  throw new AssertionError(`unreachable: ${String(value)}`);
}
