// What a fuzz target is. Each file of fuzz/targets exports the members of one: `name`, `run` and perhaps `seeds`.

export interface FuzzTarget {
  /** The file's name without extension. */
  readonly name: string;
  /** Feeds the bytes to the code under test. Returns whatever they are; throwing, or taking long, is a finding. */
  run(bytes: Uint8Array): void;
  /** Well-formed inputs to start from. Files of fuzz/corpora/NAME/ are added to them. */
  readonly seeds?: readonly Uint8Array[];
}
