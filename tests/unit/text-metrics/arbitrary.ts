/** Texts for property tests: pieces of programs, other scripts, surrogate pairs and halves of them, control characters. */
import fc from 'fast-check';

const PIECES = [
  'for i in range(n):\n',
  '    return x\n',
  '\treturn\n',
  'if x:',
  'x',
  'y = 1',
  'x += 2\n',
  '\n',
  '\r\n',
  '\r',
  ' ',
  '    ',
  '(',
  ')',
  '[1, 2]',
  '"',
  "'",
  '"""',
  '\\',
  '# note\n',
  '1.5e3',
  '0x',
  '“',
  '日本',
  '🙂',
  '\ud83d',
  '\ude00',
  '\u00a0',
  '\f',
  '\0',
];

export const anyText = fc
  .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: 'binary', maxLength: 3 })), { maxLength: 40 })
  .map((parts) => parts.join(''));
