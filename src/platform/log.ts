// Where diagnostics go. A message never holds a passkey or a peer's unescaped text.

/** How much a diagnostic matters. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Where diagnostics go. */
export interface Log {
  /** `fields` are numbers, booleans and short strings. */
  write(level: LogLevel, message: string, fields?: Readonly<Record<string, string | number | boolean>>): void;
}
