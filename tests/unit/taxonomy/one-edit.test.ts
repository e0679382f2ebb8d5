/** Which edit a failure calls for, and what the text is then. Whether that passes is the sandbox's to say. */
import { describe, expect, it } from 'vitest';
import { editOf, type EditedProgram } from '../../../src/taxonomy/one-edit.js';
import type { Outcome } from '../../../src/sandbox/verdict.js';
import { evidence, exception, failed, PROMPT, raised } from './evidence.js';

const edit = (outcome: Outcome, completion: string, allNone = false, prompt = PROMPT): EditedProgram | null =>
  editOf(evidence(outcome, { prompt, completion, measurements: { allNone } }));

describe('an import', () => {
  it.each([
    ["name 'math' is not defined", 'import math'],
    ["name 'math' is not defined. Did you forget to import 'math'?", 'import math'],
    ["name 'List' is not defined. Did you mean: 'list'?", 'from typing import List'],
  ])('is added where a name of the standard library is missing: %s', (message, statement) => {
    const completion = '    return math.gcd(a, b)\n';
    for (const phase of ['load', 'call'] as const)
      expect(edit(raised(phase, 'NameError', message), completion)).toEqual({
        kind: 'import',
        prompt: `${statement}\n${PROMPT}`,
        completion,
      });
  });

  it.each([
    ['', '# Sums.\nfrom __future__ import annotations\n', PROMPT],
    [
      '',
      '"""Sums\n\nand such."""\n\nfrom __future__ import (\n    annotations,\n)\nfrom __future__ import division; x = 1\n',
      `# Add.\n${PROMPT}`,
    ],
    ['', '"""Sums."""\n', PROMPT],
    ['"""Sums."""\n', 'from __future__ import annotations\n', PROMPT],
  ])('stands behind what a module begins with: %j, %j', (prompt, before, behind) => {
    const body = `${before}${behind}    return math.gcd(a, b)\n`;
    const error = raised('call', 'NameError', "name 'math' is not defined");
    const comment = behind.startsWith('#') ? '# Add.\n' : '';
    const edited = `${prompt}${before}${comment}import math\n${body.slice(before.length + comment.length)}`;
    for (const at of [prompt.length, (prompt + before).length, (prompt + before + behind).length]) {
      const found = edit(error, (prompt + body).slice(at), false, (prompt + body).slice(0, at))!;
      expect(found.prompt + found.completion).toBe(edited);
    }
  });

  it('is not where it is not sure what is meant', () => {
    for (const name of ['np', 'sqrt', 'total']) expect(edit(raised('call', 'NameError', `name '${name}' is not defined`), '')).toBeNull();
    expect(edit(raised('call', 'UnboundLocalError', "local variable 'math' referenced before assignment"), '')).toBeNull();
    expect(edit(raised('call', 'KeyError', "name 'math' is not defined"), '')).toBeNull();
  });
});

describe('a return', () => {
  it.each([
    ['    a + b\n', '    return a + b\n'],
    ['    c = a + b\n    c\n\n\n# done\nprint(add(1, 2))\n', '    c = a + b\n    return c\n\n\n# done\nprint(add(1, 2))\n'],
    ['    sum(\n        [a, b], start=0\n    )  # both', '    return sum(\n        [a, b], start=0\n    )  # both'],
    ['    if a:\n        return None\n    not a == b', '    if a:\n        return None\n    return not a == b'],
  ])('is added before the last expression: %j', (completion, edited) => {
    expect(edit(failed(), completion, true)).toEqual({ kind: 'return', prompt: PROMPT, completion: edited });
    expect(edit(failed(), completion)).toBeNull();
  });

  it.each([
    ['a statement', '    c = a + b\n'],
    ['a statement with two marks', '    c += a\n'],
    ['two statements', '    a; b\n'],
    ['an annotation', '    c: int\n'],
    ['a keyword', '    pass\n'],
    ['what prints', '    print(a + b)\n'],
    ['what stands in a loop', '    for c in (a, b):\n        c + 1\n'],
    ['nothing but the prompt', ''],
  ])('is not before %s', (_, completion) => {
    expect(edit(failed(), completion, true)).toBeNull();
  });

  it('is added in the entry point, wherever that stands', () => {
    const completion = 'def add(a, b):\n    a + b\n\n\ndef other(a):\n    a\n';
    expect(edit(failed(), completion, true, '# Add.\n')?.completion).toBe(completion.replace('    a + b', '    return a + b'));
  });
});

describe('even indentation', () => {
  const broken: Outcome = { status: 'syntax', exception: exception('IndentationError', 'unexpected indent') };
  it.each([
    ['a line too deep', '    c = a\n      return c + b\n', '    c = a\n    return c + b\n'],
    ['a line that fits no block', '    if a:\n        b = 1\n     return a\n', '    if a:\n        b = 1\n    return a\n'],
    ['tabs', '\tif a:\n\t\treturn b\n\treturn a\n', '    if a:\n        return b\n    return a\n'],
    ['a block that is not deeper', '    for c in a:\n    b += c\n', '    for c in a:\n        b += c\n'],
    ['other widths', '  c = [\n  1]\n  if c:\n     return """\n x"""\n', '    c = [\n  1]\n    if c:\n        return """\n x"""\n'],
  ])('of %s', (_, completion, edited) => {
    expect(edit(broken, completion)).toEqual({ kind: 'indentation', prompt: PROMPT, completion: edited });
  });

  it('of the whole body, behind a header', () => {
    const prompt = 'def add(a, b):\n';
    expect(edit(broken, 'c = a\nreturn c\n', false, prompt)).toEqual({
      kind: 'indentation',
      prompt,
      completion: '    c = a\n    return c\n',
    });
  });

  it('is no edit of what is even, nor of another error', () => {
    expect(edit(broken, '    return a\n')).toBeNull();
    expect(edit({ status: 'syntax', exception: exception('SyntaxError', 'invalid syntax') }, 'return a\n')).toBeNull();
  });
});
