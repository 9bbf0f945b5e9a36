// Where diagnostics go. A message never holds a passkey or a peer's unescaped text.

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface Log {
  /** `fields` are numbers, booleans and short strings. */
  write(level: LogLevel, message: string, fields?: Readonly<Record<string, string | number | boolean>>): void;
}
