/** Patterns against JavaScript's own regular expressions, which mean the same where both know the syntax, and which hang where these do not. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { compilePattern, PatternError } from '../../../src/config/pattern.js';

/** Patterns over a small alphabet, with every construct that is allowed. */
const pattern: fc.Arbitrary<string> = fc.letrec<{ any: string; atom: string }>((tie) => ({
  atom: fc.oneof(
    {
      weight: 6,
      arbitrary: fc.constantFrom('a', 'b', 'A', '1', '_', ' ', '.', '\\d', '\\w', '\\s', '\\W', '\\.', '\\n', '\\x61', '\\u0062'),
    },
    {
      weight: 3,
      arbitrary: fc.constantFrom('[ab]', '[^ab]', '[a-c1-2]', '[\\d_]', '[^\\w]', '[-a]', '[a-]', '[\\]b]', '[]', '[^]', '[A-Z]'),
    },
    { weight: 2, arbitrary: fc.constantFrom('^', '$', '\\b', '\\B') },
    { weight: 2, arbitrary: tie('any').map((inner) => `(?:${inner})`) },
    { weight: 1, arbitrary: tie('any').map((inner) => `(${inner})`) },
  ),
  any: fc
    .array(fc.tuple(tie('atom'), fc.constantFrom('', '', '', '*', '+', '?', '*?', '{2}', '{1,}', '{0,2}', '|')), { maxLength: 5 })
    .map((parts) => parts.map(([atom, after]) => (/^(?:[$^]|\\[bB])$/.test(atom) && after !== '|' ? atom : atom + after)).join('')),
})).any;

const subject = fc
  .array(fc.constantFrom('a', 'b', 'A', 'B', '1', '_', ' ', '\n', '.', '-', 'é', ']'), { maxLength: 12 })
  .map((parts) => parts.join(''));

describe('a pattern', () => {
  it("occurs where JavaScript's does", () => {
    fc.assert(
      fc.property(pattern, subject, fc.boolean(), (source, text, ignoreCase) => {
        expect(compilePattern(source, ignoreCase)(text)).toBe(new RegExp(source, ignoreCase ? 'i' : '').test(text));
      }),
      { numRuns: 5_000 },
    );
  });

  test.each([
    ['list index', 'IndexError: list index out of range', true],
    ["^'\\w+' object has no attribute '(add|push)'$", "'list' object has no attribute 'push'", true],
    ["^'\\w+' object has no attribute '(add|push)'$", "'list' object has no attribute 'pop'", false],
    ['line \\d{2,}', 'line 7', false],
    ['\\\\', 'a\\b', true],
    ['', '', true],
  ])('%j in %j: %j', (source, text, expected) => {
    expect(compilePattern(source)(text)).toBe(expected);
  });

  test.each([
    ['(a*)*b', 'a'],
    ['(a|a)*b', 'a'],
    ['(a+)+$', 'a'],
    ['(?:a*){20}b', 'a'],
    ['a*a*a*a*a*a*b', 'a'],
    ['(.*)(.*)(.*)(.*)x', 'é'],
  ])('%s ends on a long text', (source, piece) => {
    // Backtracking would take longer than the universe has.
    expect(compilePattern(source)(`${piece.repeat(1_000)}!`)).toBe(false);
  });

  it('says what it refuses, and where', () => {
    const refused: readonly (readonly [source: string, message: RegExp])[] = [
      ['(a', /not closed, column 1$/],
      ['a)', /closes nothing, column 2$/],
      ['x[a', /not closed, column 2$/],
      ['[b-a]', /no first and last/],
      ['(a)\\1', /backreference.*column 4$/],
      ['(?=a)', /looking around.*column 1$/],
      ['(?<name>a)', /named group/],
      ['*a', /\* that means nothing here/],
      ['a**', /repetition of a repetition/],
      ['^*', /repetition of a place/],
      ['a{3,1}', /from more to less/],
      ['a{99999}', /more than 2000 times/],
      ['(?:a{1000}){1000}', /longer than 2000 steps/],
      ['a{', /\{ that means nothing/],
      ['\\q', /no meaning here/],
      ['a\\', /backslash at the end/],
    ];
    for (const [source, message] of refused) {
      expect(() => compilePattern(source), source).toThrow(PatternError);
      expect(() => compilePattern(source), source).toThrow(message);
    }
  });
});
