/** Python's tokens, words and block structure as `tokenize` of the installed Python finds them, over canonical solutions. Needs python3. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Block } from '../../../src/text-metrics/blocks.js';
import { ComparedText } from '../../../src/text-metrics/text.js';
import { sharedLines } from '../sandbox/shared.js';

interface Line {
  readonly prompt: string;
  readonly canonical_solution: string;
}
const root = new URL('../../../', import.meta.url);
const bundled = readFileSync(new URL('data/problems/pico-tasks.jsonl', root), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Line);
const humanEval = sharedLines('datasets/HumanEval.jsonl.gz') as Line[] | null;

/**
 * For each program: its tokens, a newline for NEWLINE, an f-string in one piece as before 3.12; and how deep each logical line
 * stands by INDENT and DEDENT.
 */
const TOKENIZE = `
import io, json, sys, tokenize
START = {getattr(tokenize, name, -1) for name in ("FSTRING_START", "TSTRING_START")}
END = {getattr(tokenize, name, -1) for name in ("FSTRING_END", "TSTRING_END")}
KEPT = {tokenize.NAME, tokenize.NUMBER, tokenize.STRING, tokenize.OP, tokenize.NEWLINE}
def cut(program):
    lines = program.splitlines(True)
    tokens, depths, depth, fresh, nested, start = [], [], 0, True, 0, None
    for token in tokenize.generate_tokens(io.StringIO(program).readline):
        if token.type in START:
            start = token.start if nested == 0 else start
            nested += 1
        elif token.type in END:
            nested -= 1
            if nested == 0:
                (row, column), (last, end) = start, token.end
                rows = lines[row - 1:last]
                rows[-1] = rows[-1][:end]
                tokens.append("".join([rows[0][column:], *rows[1:]]))
        elif nested > 0:
            continue
        elif token.type == tokenize.INDENT:
            depth += 1
        elif token.type == tokenize.DEDENT:
            depth -= 1
        elif token.type in KEPT:
            tokens.append("\\n" if token.type == tokenize.NEWLINE else token.string)
        else:
            continue
        if token.type in (tokenize.INDENT, tokenize.DEDENT):
            continue
        if fresh:
            depths.append(depth)
        fresh = token.type == tokenize.NEWLINE
    return {"tokens": tokens, "depths": depths}
json.dump([cut(program) for program in json.load(sys.stdin)], sys.stdout)
`;

function depthsOf(block: Block, depth = 0): number[] {
  return block.children.flatMap((child) => [depth, ...depthsOf(child, depth + 1)]);
}

describe.each([
  ['the bundled problems', bundled],
  ['HumanEval (needs ../shared/datasets)', humanEval],
])('canonical solutions of %s', (_, lines) => {
  it.skipIf(lines === null)('are cut as Python cuts them', () => {
    const programs = lines!.map(({ prompt, canonical_solution }) => new ComparedText(prompt + canonical_solution));
    const expected = JSON.parse(
      execFileSync('python3', ['-I', '-c', TOKENIZE], {
        input: JSON.stringify(programs.map(({ text }) => `${text}\n`)),
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
      }),
    ) as { tokens: string[]; depths: number[] }[];
    expect(programs.length).toBeGreaterThan(50);
    programs.forEach((program, i) => {
      const tokens = program.tokens.map(({ kind, text }) => (kind === 'line_end' ? '\n' : text));
      expect([...tokens, '\n']).toEqual(expected[i]!.tokens);
      expect(program.tokens.every(({ kind }) => kind !== 'fault')).toBe(true);
      expect(depthsOf(program.blocks)).toEqual(expected[i]!.depths);
    });
  });
});

describe('words', () => {
  it('are split at the characters at which Python splits', () => {
    const code = 'import json, sys; json.dump([c for c in range(0x110000) if not chr(c).split()], sys.stdout)';
    const split = JSON.parse(execFileSync('python3', ['-I', '-S', '-c', code], { encoding: 'utf8' })) as number[];
    const ours: number[] = [];
    for (let point = 0; point < 0x110000; point++) {
      if (new ComparedText(`a${String.fromCodePoint(point)}b`).words.length === 2) ours.push(point);
    }
    expect(ours).toEqual(split);
  });
});
