/** The cut of a text into Python's tokens: what stands where, what cannot be a token, what stays open. */
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { scan, type ScanFault } from '../../src/python-scan.js';

const texts = (program: string): string[] => scan(program).tokens.map(({ text }) => text);

describe('tokens', () => {
  test.each([
    ['x = 1 # one\n', ['x', '=', '1', '\n']],
    ['f(a,\n  b)\n\n\ny', ['f', '(', 'a', ',', 'b', ')', '\n', 'y']],
    ['a = """x\n"y\\"""" + rb\'\\\'\'', ['a', '=', '"""x\n"y\\""""', '+', "rb'\\''"]],
    ['x \\\n  + y', ['x', '+', 'y']],
    ['x **= 1.5e-3j//.5', ['x', '**=', '1.5e-3j', '//', '.5']],
    ['f"{a}" "b"', ['f"{a}"', '"b"']],
    ['0x_fF + 0b1_0 + 1_000', ['0x_fF', '+', '0b1_0', '+', '1_000']],
    ['1if x else 2', ['1', 'if', 'x', 'else', '2']],
    ['é日本 = ``', ['é日本', '=', '`', '`']],
    ['"a\\\r\nb"', ['"a\\\r\nb"']],
    ['', []],
  ])('%j', (program, expected) => {
    expect(texts(program)).toEqual(expected);
  });
});

describe('what cannot be a token', () => {
  test.each([
    ["x = 'it's'\n", 'unterminated', 9],
    ['x = """a\n', 'unterminated', 4],
    ['f(a]', 'mismatched', 3],
    ['f(a))', 'unmatched', 4],
    ['x = “a”', 'character', 4],
    ['x = 1abc', 'number', 4],
    ['x = 0x', 'number', 4],
    ['1.real', 'number', 0],
    ['x = a \\ b', 'continuation', 6],
  ] as [string, ScanFault['kind'], number][])('%j', (program, kind, at) => {
    expect(scan(program).fault).toEqual({ kind, at });
  });

  it('is nothing where brackets are left open: their places are told', () => {
    expect(scan('f(a, [b], {c')).toMatchObject({ fault: null, open: [1, 10] });
  });
});

describe('any text', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'a',
      'if',
      ' ',
      '\n',
      '\r\n',
      '(',
      ')',
      '[',
      ']',
      '{',
      '}',
      '"',
      "'",
      '"""',
      '\\',
      '#',
      '0',
      '1.',
      'e',
      ':',
      '=',
      'é',
      '🙂',
      '?',
      'f"',
    ),
    fc.string({ unit: 'binary', maxLength: 2 }),
  );
  const program = fc.array(piece, { maxLength: 30 }).map((parts) => parts.join(''));

  it('is cut into pieces of itself, in order', () => {
    fc.assert(
      fc.property(program, (text) => {
        const { tokens, fault, open } = scan(text);
        let last = 0;
        for (const token of tokens) {
          expect(token.start).toBeGreaterThanOrEqual(last);
          expect(token.end).toBeGreaterThan(token.start);
          expect(text.slice(token.start, token.end)).toBe(token.text);
          last = token.end;
        }
        if (fault !== null) expect(fault.at).toBeGreaterThanOrEqual(last);
        for (const at of open) expect('([{').toContain(text[at]);
      }),
      { numRuns: 3_000 },
    );
  });

  it('has no fault where Python compiles it', () => {
    const tried = fc.sample(program, { numRuns: 4_000, seed: 7 });
    const code =
      'import json, sys, warnings\nwarnings.simplefilter("ignore")\nout = []\nfor text in json.load(sys.stdin):\n    try:\n' +
      '        compile(text, "<sample>", "exec")\n        out.append(True)\n    except (SyntaxError, ValueError):\n        out.append(False)\n' +
      'json.dump(out, sys.stdout)\n';
    const compiles = JSON.parse(
      execFileSync('python3', ['-I', '-S', '-c', code], { input: JSON.stringify(tried), encoding: 'utf8' }),
    ) as boolean[];
    const wrong = tried.filter((text, i) => compiles[i] === true && (scan(text).fault !== null || scan(text).open.length > 0));
    expect(compiles.filter(Boolean).length).toBeGreaterThan(100);
    expect(wrong).toEqual([]);
  });
});
