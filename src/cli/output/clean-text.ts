// Makes text of strangers (names, comments, peers' and trackers' words) safe to print: no control character reaches
// the terminal, no escape sequence survives even in part, no character reorders the line. Linear in the text.

const ESCAPE = 0x1b;
const STRING_TERMINATOR = 0x9c;
const BELL = 0x07;

/**
 * One line of printable text. Escape sequences (CSI, OSC, DCS and the like, in 7-bit and 8-bit form) vanish whole,
 * line breaks and tabs become spaces, other control, zero-width and direction-changing characters vanish, lone
 * surrogates become U+FFFD. Longer text is cut with an ellipsis.
 */
export function cleanText(text: string, maxCharacters: number = Number.POSITIVE_INFINITY): string {
  let clean = '';
  let length = 0;
  let index = 0;
  while (index < text.length) {
    const code = text.codePointAt(index)!;
    if (code === ESCAPE || isEightBitIntroducer(code)) {
      index = skipSequence(text, index);
      continue;
    }
    index += code > 0xffff ? 2 : 1;
    const kept = printable(code);
    if (kept === '') continue;
    if (length >= maxCharacters) return `${clean}…`;
    clean += kept;
    length++;
  }
  return clean;
}

function printable(code: number): string {
  if (code === 0x09 || code === 0x0a || code === 0x0d) return ' ';
  if (code < 0x20 || (code >= 0x7f && code <= 0x9f) || isInvisible(code)) return '';
  if (code >= 0xd800 && code <= 0xdfff) return '\ufffd';
  return String.fromCodePoint(code);
}

/** Zero-width and bidirectional controls: they make a name look like another. */
function isInvisible(code: number): boolean {
  return (
    code === 0xad ||
    code === 0x61c ||
    code === 0x180e ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) ||
    code === 0xfeff ||
    (code >= 0xfff9 && code <= 0xfffb) ||
    (code >= 0xe0000 && code <= 0xe007f)
  );
}

/** DCS, SOS, CSI, OSC, PM, APC as single characters. */
function isEightBitIntroducer(code: number): boolean {
  return code === 0x90 || code === 0x98 || (code >= 0x9b && code <= 0x9f && code !== STRING_TERMINATOR);
}

/** The index behind the sequence that starts here. A sequence without an end reaches to the end of the text. */
function skipSequence(text: string, start: number): number {
  const first = text.charCodeAt(start);
  const isSevenBit = first === ESCAPE;
  // In 7-bit form the introducer is ESC and the 8-bit code minus 0x40.
  const introducer = isSevenBit ? text.charCodeAt(start + 1) + 0x40 : first;
  let index = start + (isSevenBit ? 2 : 1);
  if (introducer === 0x9b) return skipWhile(text, index, 0x20, 0x3f) + 1;
  if (isEightBitIntroducer(introducer)) {
    for (; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code === BELL || code === STRING_TERMINATOR) return index + 1;
      if (code === ESCAPE) return text[index + 1] === '\\' ? index + 2 : index;
    }
    return index;
  }
  // ESC alone, or ESC, intermediates and one final character.
  index = skipWhile(text, start + 1, 0x20, 0x2f);
  const final = text.charCodeAt(index);
  return final >= 0x30 && final <= 0x7e ? index + 1 : index;
}

function skipWhile(text: string, start: number, from: number, to: number): number {
  let index = start;
  while (index < text.length && text.charCodeAt(index) >= from && text.charCodeAt(index) <= to) index++;
  return index;
}

/** JSON whose text holds no control character at all, also not the ones that JSON allows. */
export function toSafeJson(value: unknown): string {
  return JSON.stringify(value).replace(
    // Escaped, not dropped: the reader gets the very string.
    /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
