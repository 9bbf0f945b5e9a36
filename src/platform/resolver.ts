// Host names to addresses.

export interface ResolverHandler {
  /** At least one address literal, in the system's order. */
  handleResolved(addresses: readonly string[]): void;
  handleFailed(message: string): void;
}

export interface Resolver {
  /** An address literal resolves to itself. Never calls back synchronously; not at all after `cancel`. */
  resolve(hostname: string, handler: ResolverHandler): { cancel(): void };
}
