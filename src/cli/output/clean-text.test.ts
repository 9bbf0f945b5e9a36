import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cleanText, toSafeJson } from './clean-text.ts';

test.each([
  ['plain name.iso', 'plain name.iso'],
  ['\u001b[31mred\u001b[0m', 'red'],
  ['a\u001b]0;owned\u0007b', 'ab'],
  ['a\u001b]8;;http://evil\u001b\\link\u001b]8;;\u001b\\b', 'alinkb'],
  ['a\u009b2Jb', 'ab'],
  ['a\u009d0;title\u009cb', 'ab'],
  ['a\u001bP1;2|payload\u001b\\b', 'ab'],
  ['a\u001b(0b\u001bc', 'ab'],
  ['a\u001b]0;never ends', 'a'],
  ['a\u001b', 'a'],
  ['line\r\nbreak\tand tab', 'line  break and tab'],
  ['bell\u0007 null\u0000 del\u007f', 'bell null del'],
  ['photo\u202egnp.exe', 'photognp.exe'],
  ['zero\u200bwidth\ufeff', 'zerowidth'],
  ['lone \ud800 surrogate', 'lone \ufffd surrogate'],
  ['日本語 🎵 é', '日本語 🎵 é'],
])('%j becomes %j', (text, clean) => {
  expect(cleanText(text)).toBe(clean);
});

test('cuts long text by characters, not by surrogate halves', () => {
  expect(cleanText('abcdef', 3)).toBe('abc…');
  expect(cleanText('abc', 3)).toBe('abc');
  expect(cleanText('🎵🎵🎵', 2)).toBe('🎵🎵…');
});

const hostileText = fc.array(
  fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\u001b[', '\u001b]', '\u001b', '\u009b', '\u0007', '\u001b\\'),
  ),
);

test('no control character survives, and cleaning twice changes nothing', () => {
  fc.assert(
    fc.property(hostileText, (parts) => {
      const clean = cleanText(parts.join(''));
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the subject
      expect(clean).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
      expect(cleanText(clean)).toBe(clean);
    }),
  );
});

test('hostile sequences cost linear time', () => {
  const startedMs = performance.now();
  cleanText('\u001b]'.repeat(500_000));
  cleanText('\u001b[0'.repeat(500_000));
  expect(performance.now() - startedMs).toBeLessThan(2_000);
});

test('JSON is free of control characters and means the same', () => {
  fc.assert(
    fc.property(hostileText, (parts) => {
      const json = toSafeJson({ name: parts.join('') });
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the subject
      expect(json).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
      expect(JSON.parse(json)).toEqual({ name: parts.join('') });
    }),
  );
});
