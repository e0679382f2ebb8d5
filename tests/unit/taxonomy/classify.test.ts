/** Every leaf is hit, near misses are not, and the order of decision is the one that is written down. */
import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { AssertionTrial, ExceptionInfo, Fragility, Measurements, Outcome, SourceFacts } from '../../../src/sandbox/verdict.js';
import { CATEGORIES } from '../../../src/taxonomy/categories.js';
import { classify } from '../../../src/taxonomy/classify.js';
import { verdictOfFailedGeneration } from '../../../src/taxonomy/failed-generation.js';
import { foreignLines } from '../../../src/taxonomy/foreign-lines.js';
import { empty } from '../../../src/taxonomy/rules/empty.js';
import { GENERATION_RULES, RULES } from '../../../src/taxonomy/rules/index.js';
import type { Evidence } from '../../../src/taxonomy/types.js';
import { anyMeasurements, anyOutcome } from '../sandbox/any-verdict.js';
import {
  evidence,
  exception,
  failed,
  fails,
  holds,
  IN_LIBRARY,
  IN_PROMPT,
  IN_SAMPLE,
  PROMPT,
  raised,
  sourceFacts,
  tried,
} from './evidence.js';
import { measurements } from '../sandbox/verdicts.js';

const syntax = (type: string, message: string, fields: Partial<ExceptionInfo> = {}): Outcome => ({
  status: 'syntax',
  exception: exception(type, message, { frames: [], node: null, ...fields }),
});

const nothing = { returned: 'None', returnedType: 'NoneType' };
/** Lists on both sides, of other types within. */
const LISTS = { returned: "['1']", returnedType: 'list', expected: '[1]', expectedType: 'list' };
/** A class of a library's own, below OSError. */
const OS_ERROR = { bases: ['OSError', 'Exception', 'BaseException'] };
const loop = '    x = a + b\n'.repeat(6);

/** A false assertion, with these trials in the second pass. */
const wrong = (...trials: readonly AssertionTrial[]): Evidence => evidence(failed(), { measurements: { assertions: tried(...trials) } });
/** One call in the first pass, which returned None; and what the second one saw. */
const nothingAnd = (returns: Measurements['returns'], ...trials: readonly AssertionTrial[]): Evidence =>
  evidence(failed(nothing), { measurements: { allNone: true, calls: 1, returns, assertions: tried(...trials) } });
/** A passing sample of which this was found. */
const passing = (fields: Partial<Fragility>): Evidence =>
  evidence(
    { status: 'passed' },
    { measurements: { fragility: { hashSeeds: { tried: 3, failed: 0 }, furtherTest: null, slowdown: null, ...fields } } },
  );

/** One line a leaf or boundary; what its rule promises, at its plainest. */
const HITS: readonly (readonly [code: string, what: string, evidence: Evidence])[] = [
  ['0', 'a sandbox that failed', evidence({ status: 'infra', reason: 'no memory for the zygote' })],
  [
    '1.1',
    'met the token limit in the middle of a call',
    evidence(syntax('SyntaxError', "'(' was never closed"), { completion: '    return max(a,', finishReason: 'length' }),
  ],
  [
    '1.1',
    'a prompt that leaves no room',
    { ...evidence({ status: 'passed' }), completion: '', finishReason: 'error', verdict: verdictOfFailedGeneration('1,030 tokens') },
  ],
  [
    '1.2',
    'a body of a docstring and pass',
    evidence(failed(nothing), { completion: '    """Doc.\n\n    More.\n    """\n    # todo\n    pass\n', measurements: { allNone: true } }),
  ],
  [
    '1.3',
    'the same line again and again',
    evidence(syntax('SyntaxError', 'invalid syntax', { line: 4, column: 7 }), { completion: `    x = = 1\n${loop}` }),
  ],
  [
    '1.4',
    'prose',
    evidence(syntax('SyntaxError', 'invalid syntax', { line: 3, column: 6 }), {
      completion: 'This function returns the sum of both numbers, as it should.\n',
      measurements: { source: sourceFacts({ parses: false, tokens: 13, foreignTokens: 9 }) },
    }),
  ],
  [
    '1.4',
    'prose in most lines',
    evidence(syntax('SyntaxError', 'invalid syntax', { line: 3, column: 6 }), {
      completion: 'This function returns the sum.\nIt takes both numbers for that.\n    return a + b\n',
      measurements: { source: sourceFacts({ parses: false, tokens: 17, foreignTokens: 13, lines: 3, foreignLines: 2 }) },
    }),
  ],
  [
    '2.6',
    'a sentence behind a program of one line',
    evidence(syntax('SyntaxError', 'invalid syntax', { line: 4, column: 6 }), {
      completion: '    return a + b\nThis returns the sum of both.\n',
      measurements: { source: sourceFacts({ parses: false, tokens: 11, foreignTokens: 6, lines: 2, foreignLines: 1 }) },
    }),
  ],
  ['1.5', 'an entry point that is not there', evidence({ status: 'missing_entry_point', found: 'unbound' })],
  [
    '1.5',
    'an entry point of another arity',
    evidence(raised('call', 'TypeError', 'add() takes 1 positional argument but 2 were given', { frames: [], line: null, node: null })),
  ],
  ['2.1', 'an open bracket', evidence(syntax('SyntaxError', "'[' was never closed"))],
  ['2.2', 'tabs and blanks', evidence(syntax('TabError', 'inconsistent use of tabs and spaces in indentation'))],
  ['2.3', 'a curly quote', evidence(syntax('SyntaxError', "invalid character '“' (U+201C)"))],
  ['2.4', 'break outside a loop', evidence(syntax('SyntaxError', "'break' outside loop"))],
  ['2.5', 'nothing more is known', evidence(syntax('SyntaxError', 'too many nested parentheses', { line: 3, column: 211 }))],
  [
    '2.6',
    'a blank in a name',
    evidence(syntax('SyntaxError', 'invalid syntax', { line: 3, column: 10 }), { completion: '    new_ space = a\n' }),
  ],
  ...(['3', '4'] as const).flatMap((family): [string, string, Evidence][] => {
    const phase = family === '3' ? 'load' : 'call';
    const of = (type: string, message: string, fields: Partial<ExceptionInfo> = {}): Evidence =>
      evidence(raised(phase, type, message, fields));
    return [
      [`${family}.1`, 'a name', of('NameError', "name 'c' is not defined")],
      [`${family}.1`, 'an unbound local', of('UnboundLocalError', "cannot access local variable 'x'")],
      [`${family}.2`, 'an attribute', of('AttributeError', "'list' object has no attribute 'add'")],
      [`${family}.3`, 'a module', of('ModuleNotFoundError', "No module named 'numpy'", { node: 'import' })],
      [`${family}.3`, 'an import that fails otherwise', of('ValueError', 'bad module', { node: 'import' })],
      [`${family}.4`, 'an operand', of('TypeError', "unsupported operand type(s) for +: 'int' and 'str'")],
      [`${family}.5`, 'an index', of('IndexError', 'list index out of range')],
      [`${family}.5`, 'a key', of('KeyError', "'a'")],
      [`${family}.5`, 'an exhausted iterator', of('StopIteration', '')],
      [`${family}.5`, 'an exhausted iterator in a generator', of('RuntimeError', 'generator raised StopIteration')],
      [`${family}.10`, 'a dict that changes in a loop', of('RuntimeError', 'dictionary changed size during iteration')],
      [`${family}.6`, 'a value', of('ValueError', "invalid literal for int() with base 10: 'x'")],
      [`${family}.6`, 'bad JSON', of('JSONDecodeError', 'Expecting value', { frames: [IN_SAMPLE, IN_LIBRARY] })],
      [`${family}.7`, 'a division', of('ZeroDivisionError', 'division by zero')],
      [`${family}.8`, 'a recursion', of('RecursionError', 'maximum recursion depth exceeded')],
      [`${family}.9`, 'a raise of its own', of('ValueError', 'no', { node: 'raise' })],
      [`${family}.9`, 'an assert of its own', of('AssertionError', '', { node: 'assert' })],
      [`${family}.9`, 'KeyboardInterrupt', of('KeyboardInterrupt', '', { node: 'raise' })],
      [`${family}.9`, 'NotImplementedError', of('NotImplementedError', '', { node: 'raise' })],
      [`${family}.10`, 'a class of its own from library code', of('error', 'bad escape', { frames: [IN_SAMPLE, IN_LIBRARY] })],
    ];
  }),
  ['5.1', 'CPU time', evidence({ status: 'limit', resource: 'cpu', exception: null })],
  ['5.2', 'memory', evidence({ status: 'limit', resource: 'memory', exception: exception('MemoryError') })],
  ['5.2', 'MemoryError at load', evidence(raised('load', 'MemoryError'))],
  ['2.5', 'MemoryError of the compiler', evidence(syntax('MemoryError', ''))],
  ['5.3', 'output', evidence({ status: 'limit', resource: 'output', exception: null })],
  ['5.4', 'a wait', evidence({ status: 'limit', resource: 'blocked', exception: null })],
  ['5.4', 'input in a call', evidence(raised('call', 'EOFError', 'EOF when reading a line'))],
  ['5.4', 'input at load', evidence(raised('load', 'EOFError', 'EOF when reading a line'))],
  ['4.9', 'an EOFError of its own', evidence(raised('call', 'EOFError', 'EOF when reading a line', { node: 'raise' }))],
  ['4.10', 'another EOFError', evidence(raised('call', 'EOFError', 'Ran out of input'))],
  ['5.5', 'processes', evidence({ status: 'limit', resource: 'processes', exception: null })],
  ['5.5', 'files', evidence({ status: 'limit', resource: 'files', exception: null })],
  ['6.1', 'os._exit(0)', evidence({ status: 'exit', code: 0, via: 'process' })],
  ['6.1', 'SystemExit', evidence({ status: 'exit', code: 0, via: 'SystemExit' })],
  ['6.1', 'SystemExit as an exception, raised by the sample itself', evidence(raised('load', 'SystemExit', '0', { node: 'raise' }))],
  ['6.2', 'a segmentation fault', evidence({ status: 'signal', signal: 'SIGSEGV' })],
  ['6.3', 'a forbidden call', evidence({ status: 'forbidden', signal: 'SIGSYS' })],
  [
    '6.3',
    'a socket',
    evidence(raised('call', 'PermissionError', '[Errno 1] Operation not permitted', { frames: [IN_SAMPLE, IN_LIBRARY] })),
  ],
  ['6.3', 'a file written at load', evidence(raised('load', 'OSError', "[Errno 30] Read-only file system: 'a.txt'"))],
  ['6.3', 'the resolver', evidence(raised('call', 'gaierror', '[Errno -3] Temporary failure in name resolution', OS_ERROR))],
  ['6.3', 'the resolver within urllib', evidence(raised('call', 'URLError', '<urlopen error [Errno -3] Temporary failure>', OS_ERROR))],
  [
    '6.3',
    'the older resolver, whose 2 is no ENOENT',
    evidence(raised('call', 'herror', '[Errno 2] Host name lookup failure', { ...OS_ERROR, errno: 2 })),
  ],
  [
    '4.9',
    'an error of the older resolver, its own',
    evidence(raised('call', 'herror', '[Errno 2] no', { ...OS_ERROR, errno: 2, node: 'raise' })),
  ],
  ['6.3', 'a control of a descriptor that the second tier refuses', evidence(raised('call', 'OSError', 'no', { errno: 25 }))],
  ['6.3', 'a file that may not change its folder', evidence(raised('call', 'OSError', 'no', { errno: 18 }))],
  ['4.9', 'a PermissionError of its own', evidence(raised('call', 'PermissionError', '[Errno 1] no', { node: 'raise' }))],
  ['4.10', 'a file that is not there', evidence(raised('call', 'FileNotFoundError', "[Errno 2] No such file or directory: 'x'"))],
  ['5.2', 'a map that finds no room', evidence(raised('call', 'OSError', '[Errno 12] Cannot allocate memory'))],
  ['6.3', 'a refusal in other words', evidence(raised('call', 'OSError', 'no', { errno: 13 }))],
  ['5.2', 'no room in other words', evidence(raised('call', 'OSError', 'no', { errno: 12 }))],
  ['4.10', 'a PermissionError that no call gave', evidence(raised('call', 'PermissionError', '', { errno: 0 }))],
  ['4.10', 'another number in the words', evidence(raised('call', 'FileNotFoundError', '[Errno 13] no', { errno: 2 }))],
  ['4.10', 'a number in the words of its own', evidence(raised('call', 'OSError', '[Errno 13] no', { errno: 0 }))],
  [
    '6.3',
    "a number in a library's words",
    evidence(raised('call', 'URLError', '<urlopen error [Errno -3] no>', { ...OS_ERROR, frames: [IN_SAMPLE, IN_LIBRARY], errno: 0 })),
  ],
  ['7', 'forged bytes', evidence({ status: 'tamper', evidence: 'bytes outside the protocol' })],
  ['8.1', 'None and nothing else', evidence(failed(nothing), { measurements: { allNone: true, calls: 3 } })],
  ['8.1', 'None in the second pass as well', nothingAnd('none', fails(['type']), fails(null))],
  ['8.1', 'None, before none was told apart', nothingAnd('constant', fails(['type']), fails(['type']))],
  [
    '8.1',
    'None in a test that then fails on it',
    evidence(
      {
        status: 'test_error',
        exception: exception('TypeError', "unsupported operand type(s) for -: 'NoneType' and 'float'"),
        assertion: null,
      },
      { measurements: { allNone: true } },
    ),
  ],
  ['8.2', 'print instead of return', evidence(failed(nothing), { measurements: { allNone: true, stdout: '3\n' } })],
  [
    '8.2',
    'print of a string, after other output',
    evidence(failed({ ...nothing, expected: "'it\\'s\\n\\x41 \\u00e9'", expectedType: 'str' }), {
      measurements: { stdout: "it's\nA é\n" },
    }),
  ],
  [
    '8.2',
    'the last line of several',
    evidence(failed({ ...nothing, expected: '[1, 2]', expectedType: 'list' }), { measurements: { stdout: 'start\n[1, 2]\n' } }),
  ],
  ['8.3', 'a tuple for a list', evidence(failed({ returned: '(1,)', returnedType: 'tuple', expected: '[1]', expectedType: 'list' }))],
  ['8.3', 'a truth value for a number', evidence(failed({ returned: 'False', returnedType: 'bool' }))],
  ['8.3', 'None in the only call of the first pass, another type in the second', nothingAnd(null, fails(['type']), fails(['type']))],
  ['8.3', 'None in one branch', evidence(failed(nothing), { measurements: { allNone: false, calls: 2 } })],
  ['8.3', 'texts within a list of numbers', evidence(failed(LISTS), { measurements: { assertions: tried(fails(['type']), holds()) } })],
  ['8.3', 'a generator', evidence({ status: 'unserialisable', typeName: 'generator', reason: 'has no plain form' })],
  [
    '8.3',
    'a value on which the test fails',
    evidence({ status: 'test_error', exception: exception('TypeError', "'int' object is not iterable"), assertion: null }),
  ],
  ['8.4', 'another order', wrong(fails(['order']), holds())],
  ['8.4', 'order here, repeats there', wrong(fails(['order', 'off_by_one']), fails(['repeats']))],
  ['8.5', 'one too many in every failing assertion', wrong(fails(['off_by_one', 'rounding']), holds(), fails(['off_by_one']))],
  ['8.5', 'assertions without an expected value are not asked', wrong(fails(['off_by_one']), fails(null))],
  ['8.6', 'rounding', wrong(fails(['rounding']), fails(['rounding']))],
  ['8.7', 'a constant', evidence(failed(), { measurements: { returns: 'constant', assertions: tried(holds(), fails(['type'])) } })],
  ['8.7', 'an argument', evidence(failed(), { measurements: { returns: 'argument' } })],
  ['8.8', 'sorts in place', evidence(failed(nothing), { measurements: { allNone: true, assertions: tried(fails(['in_place', 'type'])) } })],
  ['8.8', 'spoils the arguments of a right answer', wrong(fails(['unaliased']), holds())],
  ['8.9', 'empty inputs only', wrong(fails(['off_by_one'], { traits: ['empty'] }), holds({ traits: ['one'] }))],
  [
    '8.11',
    'all but the empty input',
    wrong(fails([], { traits: ['negative'] }), fails([], { traits: ['negative'] }), holds({ traits: ['empty'] })),
  ],
  [
    '8.11',
    'two traits of which neither explains every failure',
    wrong(fails([], { traits: ['empty'] }), fails([], { traits: ['one'] }), holds(), holds()),
  ],
  [
    '8.10',
    'examples pass',
    evidence(failed(), { measurements: { examples: { total: 2, passed: 2 }, assertions: tried(fails([]), holds()) } }),
  ],
  ['8.10', 'assertions that the prompt shows hold', wrong(holds({ visible: true }), holds(), fails([]))],
  ['8.11', 'some assertions hold', evidence(failed(), { measurements: { assertions: { total: 7, passed: 3, trials: null } } })],
  ['8.11', 'the first assertions hold, and no second pass', evidence(failed({ index: 2 }))],
  ['8.12', 'none holds', evidence(failed(), { measurements: { assertions: { total: 7, passed: 0, trials: null } } })],
  [
    '8.12',
    'an integer for a float is a value, not a type',
    evidence(failed({ returned: '2', returnedType: 'int', expected: '2.5', expectedType: 'float' })),
  ],
  ['9', 'another hash seed', passing({ hashSeeds: { tried: 3, failed: 1 } })],
  ['9', 'the further test', passing({ furtherTest: false })],
  ['9', 'ten times the time', passing({ slowdown: 10 })],
];

it.each([
  ['has no plain form', 'returned a list, which has no plain form'],
  ['is nested deeper than 200 levels', 'returned a list, which is nested deeper than 200 levels'],
  // The program's own word, as a program may write it.
  [`is\n${'odd '.repeat(100)}`, `returned a list, which is ${'odd '.repeat(100).slice(0, 154)}...`],
])('8.3 says why a value was refused: %j', (reason, seen) => {
  expect(classify(evidence({ status: 'unserialisable', typeName: 'list', reason })).evidence).toBe(seen);
});

describe('every leaf', () => {
  test.each(HITS)('%s: %s', (code, _, given) => {
    const { category, outcome, evidence: seen } = classify(given);
    expect(category?.code).toBe(code);
    expect(outcome).toBe(category?.outcome);
    expect(seen).not.toBe('');
    expect(seen).not.toContain('\n');
  });

  it('has a fixture here', () => {
    const hit = new Set(HITS.map(([code]) => code));
    expect(CATEGORIES.filter(({ code }) => !hit.has(code)).map(({ code }) => code)).toEqual([]);
  });

  it('has a row in the table of rules, named after a file', () => {
    const rows = [...Object.values(RULES).flat(), ...GENERATION_RULES];
    expect([...new Set(rows.map(({ code }) => code))].sort()).toEqual(CATEGORIES.map(({ code }) => code).sort());
    for (const { name } of rows) {
      const file = new URL(`../../../src/taxonomy/rules/${name}.ts`, import.meta.url);
      expect(existsSync(file), name).toBe(true);
    }
  });
});

describe('the tree', () => {
  it('has unique codes and names, and the residual leaves that the contract names', () => {
    expect(new Set(CATEGORIES.map(({ code }) => code)).size).toBe(CATEGORIES.length);
    expect(new Set(CATEGORIES.map(({ name }) => name)).size).toBe(CATEGORIES.length);
    expect(CATEGORIES.filter(({ residual }) => residual).map(({ code }) => code)).toEqual(['2.5', '3.10', '4.10', '8.11', '8.12']);
  });

  it('names each leaf after its outcome', () => {
    for (const { name, outcome } of CATEGORIES.filter(({ code }) => code.includes('.'))) expect(name.split('.')[0]).toBe(outcome);
  });

  it('mirrors 4 in 3', () => {
    const leaves = (family: string): string[] =>
      CATEGORIES.filter(({ code }) => code.startsWith(`${family}.`)).map(({ name }) => name.split('.')[1]!);
    expect(leaves('3')).toEqual(leaves('4'));
    expect(leaves('4')).toHaveLength(10);
  });
});

describe('a passing sample', () => {
  it('has no category, whatever its text', () => {
    const { category, outcome, generation } = classify(evidence({ status: 'passed' }, { completion: loop, finishReason: 'length' }));
    expect([category, outcome, generation]).toEqual([null, 'pass', null]);
  });
});

describe('category 1 beside the others', () => {
  const code = (given: Evidence): string | undefined => classify(given).category?.code;
  const beside = (given: Evidence): string | undefined => classify(given).generation?.code;
  const cut = { completion: '    return a.foo(b', finishReason: 'length' };

  it('does not take the place of a crash, but stands beside it', () => {
    const given = evidence(raised('call', 'NameError', "name 'c' is not defined"), { completion: `    return c\n${loop}` });
    expect([code(given), beside(given)]).toEqual(['4.1', '1.3']);
  });

  it('does not take the place of a resource limit', () => {
    const given = evidence({ status: 'limit', resource: 'cpu', exception: null }, { completion: `    while True:\n        pass\n${loop}` });
    expect([code(given), beside(given)]).toEqual(['5.1', '1.3']);
  });

  it('takes the place of a wrong answer only as 1.2 or 1.3', () => {
    expect(code(evidence(failed(), { completion: loop }))).toBe('1.3');
    const truncated = evidence(failed(), { completion: '    return a - b', finishReason: 'length' });
    expect([code(truncated), beside(truncated)]).toEqual(['8.12', '1.1']);
  });

  it('calls an empty body empty only where it is a wrong answer', () => {
    const given = evidence(raised('call', 'NotImplementedError', '', { node: 'raise' }), { completion: '    raise NotImplementedError\n' });
    expect([code(given), beside(given)]).toEqual(['4.9', '1.2']);
    expect(code(evidence(syntax('IndentationError', 'expected an indented block', { line: 3 }), { completion: '' }))).toBe('2.2');
  });

  it('says the same of both where it is the category', () => {
    const { category, generation } = classify(evidence(syntax('SyntaxError', "'(' was never closed"), cut));
    expect(category?.code).toBe('1.1');
    expect(generation).toBe(category);
  });

  it('prefers going in circles to being cut off', () => {
    const given = evidence(syntax('SyntaxError', "'(' was never closed", { line: 9 }), {
      completion: `${loop}    foo(`,
      finishReason: 'length',
    });
    expect(code(given)).toBe('1.3');
  });
});

it('says that a test without assertions has none', () => {
  const given = evidence(failed(), { measurements: { assertions: { total: 0, passed: 0, trials: [] } } });
  expect([classify(given).category?.code, classify(given).evidence]).toEqual([
    '8.12',
    expect.stringMatching(/^the test fails, and has no assertion/),
  ]);
});

describe('the evidence of a relation', () => {
  it.each([
    [wrong(fails(['off_by_one']), holds()), 'off by one in the only failing assertion'],
    [wrong(fails(['off_by_one']), fails(['off_by_one'])), 'off by one in all 2 failing assertions'],
    [wrong(fails(['off_by_one']), fails(null)), 'off by one in 1 of 2 failing assertions, the others have no values to compare'],
  ])('counts the assertions that it speaks of', (given, told) => {
    expect(classify(given).evidence).toBe(told);
  });
});

describe('truncation', () => {
  const code = (message: string, line: number, completion: string, finishReason: string): string | undefined =>
    classify(evidence(syntax('SyntaxError', message, { line, column: 1 }), { completion, finishReason })).category?.code;

  it('needs a limit: the same text that ended by itself is a syntax error', () => {
    expect(code("'(' was never closed", 3, '    return max(a,', 'eos')).toBe('2.1');
    expect(code("'(' was never closed", 3, '    return max(a,', '')).toBe('2.1');
    expect(code("'(' was never closed", 3, '    return max(a,', 'context')).toBe('1.1');
  });

  it('cannot be decided for samples made elsewhere that say no finish reason: they fall to 2', () => {
    for (const finishReason of ['length', '']) {
      const given = evidence(syntax('SyntaxError', "'(' was never closed", { line: 3, column: 15 }), {
        completion: '    return max(a,',
        finishReason,
      });
      const { category, generation } = classify(given);
      expect([category?.code, generation?.code]).toEqual(finishReason === '' ? ['2.1', undefined] : ['1.1', '1.1']);
    }
  });

  it('is not to blame for an error further up', () => {
    expect(code('invalid syntax', 3, '    x = = 1\n    y = 2\n    z = (', 'length')).not.toBe('1.1');
    expect(code('unterminated string literal (detected at line 3)', 3, "    x = 'a\n    y = 2\n    z = 3", 'length')).toBe('2.1');
  });

  it('is not to blame for a wrong bracket, or an error early in a long last line', () => {
    const mismatch = "closing parenthesis ']' does not match opening parenthesis '('";
    expect(code(mismatch, 3, '    x = f(a]\n    y = (1', 'length')).toBe('2.1');
    expect(code('invalid syntax', 3, '    x = = 1, 2, 3, 4', 'length')).not.toBe('1.1');
  });

  it('holds where the last word may be half of one', () => {
    const given = syntax('SyntaxError', 'invalid syntax', { line: 3, column: 14 });
    expect(classify(evidence(given, { completion: '    return a an', finishReason: 'length' })).category?.code).toBe('1.1');
    const open = syntax('SyntaxError', 'unterminated string literal (detected at line 3)', { line: 3, column: 12 });
    expect(classify(evidence(open, { completion: "    return 'a b c", finishReason: 'length' })).category?.code).toBe('1.1');
  });

  it.each([
    ['SyntaxError', 'source code string cannot contain null bytes'],
    ['ValueError', 'source code string cannot contain null bytes'],
    ['UnicodeEncodeError', "'utf-8' codec can't encode character '\\ud800' in position 58: surrogates not allowed"],
  ])('is not to blame for a character of which no text is made, be it in the last word: %s', (type, message) => {
    const given = syntax(type, message, { line: 3, column: 13 });
    for (const end of ['', 'bc', '\n']) {
      expect(classify(evidence(given, { completion: `    return a\0${end}`, finishReason: 'length' })).category?.code).toBe('2.3');
    }
  });

  it('holds where something is open up to the end', () => {
    expect(code('unterminated triple-quoted string literal (detected at line 5)', 3, '    """Doc\n    more\n    and', 'length')).toBe(
      '1.1',
    );
  });
});

describe('arity', () => {
  const message = 'add() takes 1 positional argument but 2 were given';

  it("is the entry point's only where the test made the call", () => {
    expect(classify(evidence(raised('call', 'TypeError', message, { frames: [IN_SAMPLE] }))).category?.code).toBe('4.4');
    expect(classify(evidence(raised('load', 'TypeError', message, { frames: [IN_SAMPLE] }))).category?.code).toBe('3.4');
    expect(classify(evidence(raised('call', 'TypeError', 'can only concatenate str', { frames: [] }))).category?.code).toBe('4.4');
  });

  test.each([
    "add() missing 1 required positional argument: 'b'",
    "add() missing 2 required keyword-only arguments: 'b' and 'c'",
    'add() takes from 0 to 1 positional arguments but 2 were given',
    "add() got an unexpected keyword argument 'b'",
    'len() takes exactly one argument (2 given)',
    'sorted expected 1 argument, got 2',
    'A() takes no arguments',
  ])('%s', (text) => {
    expect(classify(evidence(raised('call', 'TypeError', text, { frames: [], line: null }))).category?.code).toBe('1.5');
  });
});

describe('a raise or assert', () => {
  it("of the prompt's own helper is not the sample's", () => {
    const outcome = raised('call', 'ValueError', 'no', { node: 'raise', frames: [IN_SAMPLE, IN_PROMPT] });
    expect(classify(evidence(outcome)).category?.code).toBe('4.6');
  });

  test.each([
    ['raise', 'exceptions must derive from BaseException'],
    ['raise', 'exception causes must derive from BaseException'],
    ['raise', "calling <class 'program.E'> should have returned an instance of BaseException, not <class 'int'>"],
  ] as const)('%s of what is none is a TypeError: %s', (node, message) => {
    const decided = classify(evidence(raised('call', 'TypeError', message, { node })));
    expect([decided.category?.code, decided.evidence.slice(0, 26)]).toEqual(['4.4', 'TypeError (no exception): ']);
    expect(classify(evidence(raised('load', 'TypeError', message, { node }))).category?.code).toBe('3.4');
  });

  it('is deliberate with any words of its own, and where there is nothing to raise again', () => {
    const messages = ['a and b must derive from BaseException', 'exceptions must derive from BaseException, not from a'];
    for (const message of messages) {
      expect(classify(evidence(raised('call', 'TypeError', message, { node: 'raise' }))).category?.code).toBe('4.9');
    }
    const outcome = raised('call', 'RuntimeError', 'No active exception to reraise', { node: 'raise' });
    expect(classify(evidence(outcome)).category?.code).toBe('4.9');
  });

  it('on whose line something else fails is named after that', () => {
    expect(classify(evidence(raised('call', 'TypeError', "object of type 'int' has no len()", { node: 'assert' }))).category?.code).toBe(
      '4.4',
    );
  });
});

describe('kinds of TypeError', () => {
  test.each([
    ["'NoneType' object is not subscriptable", 'None'],
    ["unsupported operand type(s) for +: 'int' and 'NoneType'", 'None'],
    ["f() missing 1 required positional argument: 'x'", 'arity'],
    ["'int' object is not callable", 'not callable'],
    ["'int' object is not iterable", 'not iterable'],
    ['cannot unpack non-iterable int object', 'not iterable'],
    ["'int' object is not subscriptable", 'not subscriptable'],
    ["'tuple' object does not support item assignment", 'not subscriptable'],
    ['list indices must be integers or slices, not str', 'not subscriptable'],
    ["unhashable type: 'list'", 'unhashable'],
    ["'<' not supported between instances of 'str' and 'int'", 'operand'],
    ['can only concatenate str (not "int") to str', 'operand'],
    ["object of type 'int' has no len()", 'operand'],
    ['something new', 'other'],
  ])('%s: %s', (message, kind) => {
    expect(classify(evidence(raised('call', 'TypeError', message))).evidence).toBe(`TypeError (${kind}): ${message}, line 3`);
  });
});

describe('repetition', () => {
  const code = (completion: string): string | undefined => classify(evidence(failed(), { completion })).category?.code;

  test.each([
    ['a block of three lines', '    if a:\n        b += 1\n    c = 2\n'.repeat(4)],
    ['lines that differ in blanks', '    x = 1\n        x = 1\n\n    x  =  1\n\tx = 1\n'],
    ['a piece within a line', `    return ${'a.foo(b) + '.repeat(5)}a\n`],
    ['text that hardly changes', `    x = [${Array.from({ length: 400 }, (_, i) => i % 2).join(', ')}]\n`],
  ])('%s', (_, completion) => {
    expect(code(completion)).toBe('1.3');
  });

  test.each([
    ['three times', '    x = a + b\n'.repeat(3)],
    ['closing brackets', '    x = [[[[\n        1\n        ]\n        ]\n        ]\n        ]\n'],
    ['a short list of zeros', '    x = [0, 0, 0, 0, 0, 0, 0, 0]\n    return x\n'],
    ['a rule of dashes', '    # --------------------------------\n    return a\n'],
    ['deep indentation', '    if a:\n        if b:\n            if a:\n                    return 1\n'],
  ])('not %s', (_, completion) => {
    expect(code(completion)).toBe('8.12');
  });
});

describe('another type', () => {
  const code = (...trials: readonly AssertionTrial[]): string | undefined =>
    classify(evidence(failed(LISTS), { measurements: { assertions: tried(...trials) } })).category?.code;

  it('is said of what lies within, in every failing assertion or in none', () => {
    expect(code(fails(['type']), fails(['type']), fails(null))).toBe('8.3');
    expect(code(fails(['type']), fails([]))).toBe('8.12');
    expect(code(fails(['type']), holds(), fails(['rounding']))).toBe('8.11');
    expect(code(fails(null), fails(null))).toBe('8.12');
  });

  it('says how many, where the outer types are the same', () => {
    const given = evidence(failed(LISTS), { measurements: { assertions: tried(fails(['type']), fails(['type']), holds()) } });
    expect(classify(given).evidence).toBe('values of other types than expected, or such within, in all 2 failing assertions');
  });

  it('is not guessed from the names of two that a comparison forgives', () => {
    const given = failed({ returned: '1.5', returnedType: 'float', expected: '1', expectedType: 'int' });
    expect(classify(evidence(given)).category?.code).toBe('8.12');
  });
});

describe('marks of another language', () => {
  const PAGE =
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<title>My page</title>\n</head>\n<body>\n<p>Nothing at all</p>\n</body>\n</html>\n';
  const LIST = "- First add one, don't wait\n- Then return the result\n\n**Note**: this is simple and works for every number\n";
  const RUST = 'fn add(x: i32) -> i32 {\n    let y = x + 1;\n    println!("{{ {}", \'}\', y);\n    y\n}\n';
  const PYTHON = '    total = a + b\n    if total > 3:\n        total = 2\n    return total + 17\n';
  const code = (completion: string, facts: Partial<SourceFacts> = {}): string | undefined => {
    const source = sourceFacts({ parses: false, tokens: 30, foreignTokens: 3, lines: 9, foreignLines: 1, ...facts });
    const refused = syntax('SyntaxError', 'invalid syntax', { line: 3, column: 1 });
    return classify(evidence(refused, { completion, measurements: { source } })).category?.code;
  };

  test.each([
    ['a page', PAGE],
    ['a page behind a line of a program', `    return a + b\n${PAGE}`],
    ['a list', `# Solution\n\nHere is how to do it:\n\n${LIST}`],
    ['a numbered list', '1. First add one\n2) Then return the result\n'],
    ['a list with brackets that nobody closes', `- First (add one\n- Then return (it's easy\n- And look at {the result\n`],
    ['a list behind an apostrophe in brackets', `Do it (don't wait):\n${LIST}`],
    ['a list behind faults of all kinds', `1st ¬ \\ x ) don't """\n${LIST}`],
    ['a quotation', '> First add one\n> and take the result\n'],
    ['a function in Rust', RUST],
    ['a function that is cut off', RUST.slice(0, 40)],
    ['a function in Go', 'func add(x int) (int, error) {\n\tif x > 3 {\n\t\treturn 1, nil\n\t}\n\treturn x + 1, nil\n}\n'],
    ['a function in Kotlin, on one line', 'private fun add(x: Int): Int { return x + 1 }\n'],
  ])('%s', (_, completion) => {
    expect(code(completion)).toBe('1.4');
  });

  test.each<[string, string, Partial<SourceFacts>]>([
    ['a page of few tokens', PAGE, { tokens: 7 }],
    ['a list behind a program', `${PYTHON}\n${LIST}`, {}],
    ['a function behind a program', `${PYTHON}${PYTHON.replaceAll('total', 'sum_of')}\n${RUST}`, {}],
    ['a program behind a function', `${RUST}def add(a, b):\n${PYTHON}${PYTHON.replaceAll('total', 'sum_of')}`, {}],
    ['a page in a text', `    page = """\n${PAGE}"""\n    return page page\n`, {}],
    ['a page in a text that does not end', `    return a b\n    '''\n${PAGE}`, {}],
    ['products over several lines', '    return (a\n        * Width\n        - Height\n        > b\n        ** c) y y\n', {}],
    ['arguments over several lines', '    return f(\n        *args,\n        **kwargs,\n        **more) y y\n', {}],
    ['a comparison over several lines', '    return (a\n        <b\n        < c\n        <d) y y\n', {}],
    ['a definition in braces', 'def add(a, b) {\n    return a + b\n}\n', {}],
    ['an operand behind one that is missing', '    return (a\n- b c\n- d e\n* f g\n', {}],
    ['operands behind faults of all kinds', "    return (a\n- 1x c c\n- ¬ d d\n- ) e' f f\n- g g (don't\n- h h\n", {}],
    [
      'a list in a text behind quotes in a comment',
      '    # not \"""\n    """Doc.\n\n- first item\n- second item\n- third item\n    """\n    return a b\n',
      {},
    ],
    [
      'a list in a text behind quotes in a text',
      `    q = '"""'\n    """Doc.\n\n- first item\n- second item\n- third item\n    """\n    return a b\n`,
      {},
    ],
  ])('not %s', (_, completion, facts) => {
    expect(code(completion, facts)).toMatch(/^2\./);
  });

  it('are counted of the completion alone, by lines and by characters', () => {
    expect(foreignLines({ prompt: `${PAGE}def add(a, b):\n`, completion: `${PYTHON}<p>\n` })).toEqual({
      lines: 5,
      foreign: 1,
      characters: 43,
      foreignCharacters: 3,
    });
    const quoted = foreignLines({ prompt: '', completion: `# not '''\nr'''\n- one item\n'''\nx = 1\n- two items\n` });
    expect(quoted).toEqual({ lines: 2, foreign: 1, characters: 12, foreignCharacters: 9 });
    const long = `    return ${Array.from({ length: 60 }, (_, i) => `v${(i * 7919) % 1009}`).join(' + ')} b\n`;
    expect(code(`${long}<p>\n</p>\n`)).toMatch(/^2\./);
  });

  it.each([
    ['apostrophes', "don't\n".repeat(100_000)],
    ['an open bracket, a long line and apostrophes', `(${'a'.repeat(300_000)}\n${"'\n".repeat(150_000)}`],
    ['apostrophes before continued lines', `'${'\\\n'.repeat(150_000)}"${'\\\n'.repeat(50_000)}`],
    ['a number without end', `${'1'.repeat(300_000)}a`],
    ['characters of no language', '¬'.repeat(300_000)],
    ['brackets', '(]'.repeat(150_000)],
  ])('are counted in linear time: %s', (_, completion) => {
    // Quadratic, most would take longer than the runner's limit.
    expect(foreignLines({ prompt: '', completion })).toMatchObject({ foreign: 0 });
  });
});

describe('an empty body', () => {
  const code = (completion: string): string | undefined =>
    classify(evidence(failed(nothing), { completion, measurements: { allNone: true } })).category?.code;

  test.each([
    '',
    '\n\n',
    '    pass\n',
    '    ...\n',
    '    return\n',
    '    # TODO\n',
    "    r'''Doc'''\n",
    '    """Doc.\n    """\n    pass  # later\n',
    '    """Say \\""" once."""  # later\n',
  ])('%j', (completion) => {
    expect(code(completion)).toBe('1.2');
  });

  test.each([
    '    return None\n',
    '    x = 1\n',
    '    passed = True\n',
    '    x = """a\n    pass\n    """\n',
    '    """Doc."""; a = b + """c"""\n',
    '    if a:\n        pass\n',
  ])('not %j', (completion) => {
    expect(code(completion)).toBe('8.1');
  });

  const whole = (program: string, prompt = ''): string | undefined =>
    classify(evidence(failed(nothing), { prompt, completion: program, measurements: { allNone: true, calls: 1 } })).category?.code;

  test.each([
    'def add(a, b):\n    pass\n',
    'def add(a, b): ...\n',
    'def add(a, b): pass; return\n',
    'def add(a, b):\n    """Doc."""\n',
    "def add(a, b):\n    'Doc, ' \\\n    'and more'; pass\n",
    'def add(a: int, b: Dict[str, int] = {1: 2}) -> "Dict[str, int]":\n    # TODO\n    return\n',
    'def add(\n    a,\n    b,\n):\n\n    ...\n',
    'import math\n\n@other\ndef g(x):\n    return x\n\ndef add(a, b):\n    pass\n\nprint(add(1, 2))\n',
    'def add(a, b):\n    return a\n\ndef add(a, b):\n    pass\n',
    'def add(a, b):\n    raise NotImplementedError(str(a), (b))\n',
  ])('that the program defines itself: %j', (program) => {
    expect(whole(program)).toBe('1.2');
    // ... whether the prompt has shown the header or not.
    expect(whole(program, PROMPT)).toBe('1.2');
  });

  it('is that of the prompt where the completion defines another function', () => {
    expect(whole('\n\ndef other(a):\n    return a\n', PROMPT)).toBe('1.2');
  });

  test.each([
    ['a value', 'def add(a, b):\n    return None\n'],
    ['a second statement', 'def add(a, b):\n    pass\n    a + b\n'],
    ['a text behind the docstring', 'def add(a, b):\n    """Doc."""\n    f"{a}"\n'],
    ['computed text', 'def add(a, b):\n    f"{a}"\n'],
    ['a function within', 'def add(a, b):\n    def add(a, b):\n        pass\n'],
    ['more than the exception', 'def add(a, b):\n    raise NotImplementedError(a) from (b)\n'],
    ['another definition behind it', 'def add(a, b):\n    pass\n\ndef add(a, b):\n    a + b\n'],
    ['a decorator', '@twice\ndef add(a, b):\n    pass\n'],
    ['a name that is bound again', 'def add(a, b):\n    pass\n\nadd = lambda a, b: None\n'],
    ['a name that may be bound again', 'def add(a, b):\n    pass\n\nfor add in functions:\n    break\n'],
    ['a class of the same name', 'def add(a, b):\n    pass\n\nclass add(int):\n    pass\n'],
    ['another body', 'def add(a, b):\n    pass\n\nadd.__code__ = other.__code__\n'],
    ['a method', 'class A:\n    def add(a, b):\n        pass\n'],
    ['another name', 'def plus(a, b):\n    pass\n'],
  ])('not with %s', (_, program) => {
    expect(whole(program)).toBe('8.1');
  });

  test.each([
    ['all names of a module', 'from m import *\n'],
    ['a name in the table of names', "globals()['add'] = lambda a, b: a\n"],
    ['a name that is put together', "vars()['a' + 'dd'] = print\n"],
    ['a text that is executed', "exec('def ' + 'ad' + 'd(a, b): return 1')\n"],
    ['an attribute of the module', 'import sys\nmodule = sys.modules[__name__]\nsetattr(module, NAME, print)\n'],
    ['the name in a text', 'bind("add", print)\n'],
  ])('that is replaced unseen is none: %s', (_, behind) => {
    expect(whole(`def add(a, b):\n    pass\n\n${behind}`)).toBe('8.1');
  });

  test.each([
    ['all names of a module before it', 'from m import *\n', ''],
    ['a docstring that names it', '"""What add does."""\n', ''],
    ['one name of a module, and a product', '', 'from m import other\nx = 2 * 3\n'],
    ['a text without its name', '', 'print("plus, adder")\n'],
  ])('stays one beside %s', (_, before, behind) => {
    expect(whole(`${before}def add(a, b):\n    pass\n\n${behind}`)).toBe('1.2');
  });

  it('is none where the text does not end', () => {
    expect(whole('def add(a, b):\n    pass\n\nprint(add(1, 2)\n')).toBe('8.1');
  });

  test.each([
    ['blank lines', '\n'.repeat(50_000)],
    ['blanks of all kinds', ' \n\t'.repeat(20_000)],
    ['quotes', '    """a\n'.repeat(10_000)],
  ])('in linear time: %s', (_, text) => {
    const cost = (completion: string): number => {
      const start = process.cpuUsage().user;
      empty({ ...evidence(failed(nothing)), completion });
      return process.cpuUsage().user - start;
    };
    // Quadratic, the longer one took seconds.
    expect(cost(`${text}x`)).toBeLessThan(500_000);
  });
});

describe('any verdict', () => {
  const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('', '    pass\n', loop));
  const type = fc.oneof(
    text,
    fc.constantFrom('NameError', 'MemoryError', 'SystemExit', 'SyntaxError', 'TypeError', 'AssertionError', 'IndentationError'),
  );

  it('is classified, and has a category where it failed or is fragile, and nowhere else', () => {
    fc.assert(
      fc.property(
        anyOutcome(text, type),
        text,
        fc.constantFrom('', 'eos', 'length', 'context', 'error', 'stop'),
        anyMeasurements(text),
        (given, completion, finishReason, measured) => {
          const base = evidence(given, { completion, finishReason });
          const result = classify({ ...base, verdict: { ...base.verdict, measurements: measurements(measured) } });
          if (given.status === 'passed') expect([undefined, '9']).toContain(result.category?.code);
          else expect(result.category).not.toBeNull();
          expect(result.outcome).toBe(result.category?.outcome ?? 'pass');
          expect(result.rule === null).toBe(result.category === null);
          expect(result.tags).toEqual([...new Set(result.tags)].sort());
          expect(result.generation === null || result.generation.code.startsWith('1.')).toBe(true);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
