// How many columns text takes on a terminal, near enough for cutting a line: East Asian wide characters and emoji
// take two, combining marks none.

const COMBINING = /\p{Mark}/u;

export function cellsOf(character: string): number {
  const code = character.codePointAt(0)!;
  if (code < 0x300) return 1;
  if (COMBINING.test(character)) return 0;
  const isWide =
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf && code !== 0x303f) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd);
  return isWide ? 2 : 1;
}

/** The text, cut with an ellipsis when it takes more than `width` columns. */
export function fitCells(text: string, width: number): string {
  let fitted = '';
  let used = 0;
  let lastFit = '';
  for (const character of text) {
    if (used + 1 <= width) lastFit = fitted;
    used += cellsOf(character);
    if (used > width) return width < 1 ? '' : `${lastFit}…`;
    fitted += character;
  }
  return fitted;
}
