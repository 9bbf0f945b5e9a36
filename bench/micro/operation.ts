// What a micro benchmark measures: an operation of a hot path, done many times by one call.

export interface Operation {
  /** What one operation is: "decode a block, chunks of 64 KiB". */
  readonly name: string;
  /** Operations in one call of `run`: enough that the call itself does not count. */
  readonly count: number;
  /** Does them, and leaves everything as it was, so that it may be called again. Returns something that depends on them. */
  run(): unknown;
}

/** The operations of one part of the program. Made when they are asked for: some take time and memory to set up. */
export interface OperationGroup {
  /** As `--only` names it. */
  readonly name: string;
  create(): Operation[];
}
