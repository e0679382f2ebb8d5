/** Where a failure stands: lines and columns as the interpreter counts them, bytes of the completion as it is stored. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { ExceptionInfo, Outcome } from '../../../src/sandbox/verdict.js';
import { placeOf } from '../../../src/taxonomy/place.js';
import type { Place } from '../../../src/taxonomy/types.js';
import { evidence, exception, failed, PROMPT, raised } from './evidence.js';

const PROMPT_LINES = 2;

function place(outcome: Outcome, completion: string, prompt = PROMPT): Place | null {
  return placeOf(evidence(outcome, { completion, prompt }));
}

function syntax(fields: Partial<ExceptionInfo>): Outcome {
  return { status: 'syntax', exception: exception('SyntaxError', 'invalid syntax', { frames: [], node: null, ...fields }) };
}

/** The text that a place's range holds. */
function textOf(completion: string, found: Place | null): string | null {
  if (found === null || found.range === null) return null;
  return Buffer.from(completion, 'utf8').subarray(found.range.start, found.range.end).toString('utf8');
}

describe("an exception's line", () => {
  test.each([
    ['    return a + c\n', 3, 'return a + c'],
    ['    é = "日本"\r\n\t🙂 = é  \r\n', 4, '🙂 = é'],
    ['    x = 1\r    y = x + z', 4, 'y = x + z'],
    ['    x = """\n\f\n"""\n    y', 6, 'y'],
  ])('%j, line %i', (completion, line, expected) => {
    const found = place(raised('call', 'NameError', '', { line, column: 9 }), completion);
    expect([found?.line, found?.column, textOf(completion, found)]).toEqual([line, 9, expected]);
  });

  it('lies in the prompt where its code does, and in no text where the line is blank or beyond the program', () => {
    expect(place(raised('call', 'NameError', '', { line: 1 }), '    return a\n')).toEqual({ line: 1, column: null, range: null });
    expect(place(raised('call', 'NameError', '', { line: 4 }), '    return a\n\n')?.range).toBeNull();
    expect(place(raised('call', 'NameError', '', { line: 99 }), '    return a\n')).toBeNull();
  });

  it('begins where the completion does, on a line that the prompt began', () => {
    const completion = 'a + c\n';
    expect(textOf(completion, place(raised('call', 'NameError', '', { line: 2 }), completion, 'def f(a):\n    return '))).toBe('a + c');
  });

  it('is not there without an exception, nor for one of the test', () => {
    expect(place(failed(), '    return a\n')).toBeNull();
    expect(place(raised('call', 'TypeError', '', { line: null, frames: [] }), '    return a\n')).toBeNull();
  });
});

describe("a syntax error's place", () => {
  test.each([
    ['    return alpha beta\n', 18, 'beta'],
    ['    x = "é日🙂" ? 1\n', 15, '?'],
    ['    🙂 = 1\n', 5, '🙂'],
    ['    return (\n    x', 12, '('],
    // At the line's end: the line break; without one, the last character.
    ['    return a +\r\n', 15, '\r\n'],
    ['    return a +  \n', 17, '\n'],
    ['    return a +é', 99, 'é'],
    ['    return a +🙂', 99, '🙂'],
  ])('%j, column %i', (completion, column, expected) => {
    const found = place(syntax({ line: PROMPT_LINES + 1, column }), completion);
    expect([found?.column, textOf(completion, found)]).toEqual([column, expected]);
  });

  it('is the line where the column is not known', () => {
    for (const column of [null, 0]) {
      const found = place(syntax({ line: 3, column }), '    x = é\n');
      expect([found?.column, textOf('    x = é\n', found)]).toEqual([null, 'x = é']);
    }
  });
});

describe('any place', () => {
  it('is within the completion, on whole characters and not empty', () => {
    const text = fc.array(fc.constantFrom('é', '🙂', 'x', ' ', '\n', '\r\n', '\r', '(', '\t', '日')).map((parts) => parts.join(''));
    fc.assert(
      fc.property(
        text,
        text,
        fc.integer({ min: 1, max: 12 }),
        fc.option(fc.nat(20)),
        fc.boolean(),
        (prompt, completion, line, column, parsed) => {
          const outcome = parsed ? raised('call', 'NameError', '', { line, column }) : syntax({ line, column });
          const found = place(outcome, completion, prompt);
          if (found === null || found.range === null) return;
          const { start, end } = found.range;
          expect(start).toBeLessThan(end);
          expect(end).toBeLessThanOrEqual(Buffer.byteLength(completion));
          expect(completion).toContain(textOf(completion, found));
          expect(textOf(completion, found)).not.toContain('\uFFFD');
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
