// A block of lines at the bottom of a terminal, redrawn in place, with ordinary lines printed above it. The cursor
// rests on the line below the block.
import type { OutputStream } from '../context.ts';
import { fitCells } from './cells.ts';

const ESCAPE = '\u001b[';
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

export class LiveLines {
  readonly #stream: OutputStream;
  #lines: readonly string[] = [];
  #drawnCount = 0;

  constructor(stream: OutputStream) {
    this.#stream = stream;
  }

  /** Width to draw for: terminals that do not know theirs say 0. */
  get columns(): number {
    return this.#stream.columns || DEFAULT_COLUMNS;
  }

  /** Replaces the block. Lines are cut to the terminal's width, the block to its height. */
  draw(lines: readonly string[]): void {
    this.#lines = lines;
    const columns = this.columns;
    const shown = lines.slice(0, Math.max(1, (this.#stream.rows || DEFAULT_ROWS) - 2));
    const body = shown.map((line) => `${fitCells(line, columns - 1)}${ESCAPE}K\n`).join('');
    // Wrapping off while drawing: a line whose width was misjudged must not push the block out of place.
    this.#stream.write(`${this.#toTop()}${ESCAPE}?7l${body}${ESCAPE}?7h${ESCAPE}J`);
    this.#drawnCount = shown.length;
  }

  /** Prints a lasting line above the block. */
  print(stream: OutputStream, line: string): void {
    this.clear();
    stream.write(`${line}\n`);
    this.redraw();
  }

  /** Takes the block off the screen; `redraw` brings it back. */
  clear(): void {
    if (this.#drawnCount === 0) return;
    this.#stream.write(`${this.#toTop()}${ESCAPE}J`);
    this.#drawnCount = 0;
  }

  /** Takes the block off the screen for good. */
  end(): void {
    this.clear();
    this.#lines = [];
  }

  redraw(): void {
    if (this.#lines.length > 0) this.draw(this.#lines);
  }

  #toTop(): string {
    return this.#drawnCount === 0 ? '' : `\r${ESCAPE}${this.#drawnCount}A`;
  }
}
