/**
 * A made-up study: several models, the same problems, many samples of each, judged and measured as a run would have left them. Everything is a
 * function of numbers, so that two builds hold the same rows. Half of the samples repeat the program of another one of their problem; equal programs
 * have equal verdicts. Texts have some ten lines, categories the frequencies of a small model's. The measures are made up too: nothing is compared.
 *
 * Not the same for every model of the world: sizes are near those of the bundled model's samples of HumanEval.
 */
import { CATEGORIES } from '../../dist/taxonomy/categories.js';
import { problemRow as bareProblem } from './judged-samples.mjs';

/** @typedef {import('../../dist/sandbox/verdict.js').Outcome} Outcome */
/** @typedef {(number: number) => Outcome} OutcomeOf a sample's outcome, told apart by a number */

const TOKENS = 128;
/** Assertions of each problem's test. */
const ASSERTIONS = 7;

/** A whole number below 2^32 that looks drawn at random. @param {...number} parts */
export function noise(...parts) {
  let state = 0x9e3779b9;
  for (const part of parts) {
    state = Math.imul(state ^ part, 0x85ebca6b) >>> 0;
    state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35) >>> 0;
    state = (state ^ (state >>> 16)) >>> 0;
  }
  return state;
}
/** The same as a number from 0 to 1. @param {...number} parts */
const share = (...parts) => noise(...parts) / 2 ** 32;

/** @returns {OutcomeOf} */
const raised =
  (/** @type {string} */ type, /** @type {string} */ message, /** @type {'load' | 'call'} */ phase = 'call') =>
  (number) => {
    const line = 4 + (number % 9);
    return {
      status: 'exception',
      phase,
      exception: {
        type,
        bases: [type, 'Exception', 'BaseException', 'object'],
        message: message.replace('#', String(number % 500)),
        frames: [{ where: 'sample', function: phase === 'load' ? '<module>' : 'solve', line }],
        line,
        column: null,
        node: 'other',
        statement: 'Assign',
        locals: ['values', 'weights', 'total'].map((name, i) => ({ name, value: `[${number % 97}, ${i}, 3]` })),
      },
    };
  };

/** @returns {OutcomeOf} */
const unparsed = (/** @type {string} */ message) => (number) => ({
  status: 'syntax',
  exception: {
    type: 'SyntaxError',
    bases: ['SyntaxError', 'Exception', 'BaseException', 'object'],
    message,
    frames: [],
    line: 4 + (number % 9),
    column: 5 + (number % 20),
    node: null,
    statement: null,
    locals: [],
  },
});

/** @type {OutcomeOf} */
const differing = (number) => ({
  status: 'assertion',
  assertion: {
    index: number % 5,
    source: 'assert candidate([1, 2, 3], [4, 5, 6]) == 32',
    returned: String(number % 1000),
    returnedType: 'int',
    expected: '32',
    expectedType: 'int',
  },
});

/**
 * What a failing program comes to: a leaf, how often, and an outcome that leads there.
 * @type {readonly (readonly [code: string, weight: number, outcome: OutcomeOf])[]}
 */
const FAILURES = [
  ['1.1', 6, unparsed('unexpected EOF while parsing')],
  ['1.3', 4, unparsed('invalid syntax')],
  ['2.1', 5, unparsed("'(' was never closed")],
  ['2.2', 4, unparsed('expected an indented block')],
  ['2.3', 3, unparsed('unterminated string literal')],
  ['2.6', 3, unparsed('invalid syntax')],
  ['3.1', 2, raised('NameError', "name 'module_#' is not defined", 'load')],
  ['3.3', 2, raised('ModuleNotFoundError', "No module named 'helpers_#'", 'load')],
  ['4.1', 14, raised('NameError', "name 'value_#' is not defined")],
  ['4.2', 5, raised('AttributeError', "'list' object has no attribute 'field_#'")],
  ['4.4', 9, raised('TypeError', "unsupported operand type(s) for +: 'int' and 'str'")],
  ['4.5', 7, raised('IndexError', 'list index out of range')],
  ['4.6', 4, raised('ValueError', "invalid literal for int() with base 10: 'word #'")],
  ['4.7', 2, raised('ZeroDivisionError', 'division by zero')],
  ['4.8', 2, raised('RecursionError', 'maximum recursion depth exceeded')],
  ['4.10', 1, raised('UnicodeError', 'cannot encode character #')],
  ['5.1', 3, () => ({ status: 'limit', resource: 'cpu', exception: null })],
  ['8.1', 4, differing],
  ['8.3', 3, differing],
  ['8.4', 3, differing],
  ['8.5', 3, differing],
  ['8.7', 8, differing],
  ['8.9', 6, differing],
  ['8.11', 16, differing],
  ['8.12', 24, differing],
];
const LEAVES = new Map(CATEGORIES.map((category) => [category.code, category]));
const ALL_WEIGHTS = FAILURES.reduce((sum, [, weight]) => sum + weight, 0);

const LINES = [
  '    for index, value in enumerate(values):\n',
  '        total = total + value * weights[index]\n',
  '    if len(values) == 0:\n        return 0\n',
  '    result = []\n',
  '        result.append(value * 2)\n',
  '    while index < len(values):\n        index += 1\n',
  '    # keep the largest of what was seen so far\n',
  '    values = sorted(values, key=lambda pair: pair[0], reverse=True)\n',
  '        if value % 2 == 0 and value not in seen:\n            seen.add(value)\n',
  '    counts = {key: values.count(key) for key in set(values)}\n',
];

/** @param {number} problem @returns {import('../../dist/store/types.js').ProblemRow} */
export const problemRow = (problem) => ({ ...bareProblem(problem), difficulty: 1 + (problem % 4) });

/** @param {number} problem @returns {import('../../dist/store/types.js').AssertionMarks} */
export const marksOf = (problem) => ({
  taskId: problemRow(problem).taskId,
  examples: 2,
  total: ASSERTIONS,
  visible: problem % 3 === 0 ? [] : [0, 1],
  missing: null,
});

/** The failure of a program: problems have their own favourites. */
function failureOf(/** @type {number} */ model, /** @type {number} */ problem, /** @type {number} */ program) {
  const isFavourite = share(model, problem, program, 1) < 0.4;
  let left = share(isFavourite ? 0 : model, problem, isFavourite ? program % 4 : program, 2) * ALL_WEIGHTS;
  for (const row of FAILURES) if ((left -= row[1]) < 0) return row;
  return FAILURES[FAILURES.length - 1];
}

/** @returns {import('../../dist/sandbox/verdict.js').Verdict} */
function verdictOf(/** @type {Outcome} */ outcome, /** @type {number} */ number) {
  const passed = outcome.status === 'passed';
  const isTried = outcome.status === 'assertion' || (outcome.status === 'exception' && outcome.phase === 'call');
  const heldOf = (/** @type {number} */ index) => noise(number, index) % 3 === 0;
  const trials = Array.from({ length: ASSERTIONS }, (_, index) => ({
    index,
    held: heldOf(index),
    visible: index < 2,
    traits: /** @type {const} */ (index === 0 ? ['empty'] : index === 3 ? ['duplicates', 'zero'] : []),
    relations: heldOf(index) || outcome.status !== 'assertion' ? null : [],
  }));
  return {
    passed,
    outcome,
    measurements: {
      phase: outcome.status === 'syntax' ? 'compile' : outcome.status === 'exception' ? outcome.phase : 'call',
      calls: outcome.status === 'syntax' ? 0 : ASSERTIONS,
      allNone: false,
      stdout: number % 20 === 0 ? `${number}\n` : '',
      cpuSeconds: 0.002 + share(number) / 100,
      wallSeconds: 0.004 + share(number) / 50,
      peakMemoryBytes: 12_000_000 + (number % 1_000_000),
      nearLimit: number % 1_000 === 0,
      assertions: isTried ? { total: ASSERTIONS, passed: trials.filter(({ held }) => held).length, trials } : null,
      examples: isTried ? { total: 2, passed: number % 3 } : null,
      returns: null,
      source: passed
        ? null
        : {
            parses: outcome.status !== 'syntax',
            tokens: 60 + (number % 60),
            foreignTokens: 0,
            undefinedNames: number % 4 === 0 ? [`value_${number % 500}`] : [],
            undefinedCalls: [],
            deadStatements: 0,
            callsInput: false,
            redefined: [],
          },
      fragility: passed ? { hashSeeds: { tried: 2, failed: 0 }, furtherTest: null, slowdown: null } : null,
      stack: null,
    },
  };
}

/** Made-up measures of one sample: passes are a little more like the canonical solution than failures. */
function measuresOf(
  /** @type {number} */ program,
  /** @type {number} */ sample,
  /** @type {boolean} */ passed,
  /** @type {string} */ text,
) {
  const similarity = (/** @type {number} */ column) => Math.min(1, share(program, column) * 0.9 + (passed ? 0.1 : 0));
  const surprise = 0.2 + share(sample, 20) + (passed ? 0 : 0.1);
  const lines = text.split('\n').length - 1;
  return {
    bleu: similarity(1),
    chrf: similarity(2),
    rouge_l: similarity(3),
    edit_similarity: similarity(4),
    token_similarity: similarity(5),
    weighted_ngrams: similarity(6),
    block_similarity: program % 7 === 0 ? null : similarity(7),
    ast_match: similarity(10),
    characters: text.length,
    lines,
    python_tokens: lines * 7 + (program % 5),
    repeated_ngrams: share(program, 8),
    line_run: 1 + (program % 4),
    zlib_ratio: 0.3 + share(program, 9) / 2,
    mean_logprob: -surprise,
    mean_entropy: 0.3 + share(sample, 21),
    perplexity: Math.exp(surprise),
  };
}

/**
 * One model's samples of one problem, with their executions and measures.
 *
 * @param {number} model
 * @param {number} problem
 * @param {number} count
 * @returns {{samples: any[], executions: any[], measures: any[]}} `SampleRow[]`, `ExecutionRow[]` and `MeasuresRow[]` of the store
 */
export function studySamples(model, problem, count) {
  const samples = [];
  const executions = [];
  const measures = [];
  const passRate = 0.02 + (0.25 * share(problem, 3) ** 2 * (model + 1)) / 5;
  for (let index = 0; index < count; index++) {
    // Squared, so that some programs come often and most once.
    const place = Math.floor(share(model, problem, index, 4) ** 2 * count);
    const program = noise(model, problem, place);
    const number = noise(model, problem, index);
    const body = Array.from({ length: 5 + (program % 7) }, (_, line) => LINES[noise(program, line) % LINES.length]).join('');
    const completion = `    total, seen, index = ${place}, set(), 0\n${body}    return total\n`;
    const key = { strategy: 'nucleus', taskId: problemRow(problem).taskId, sampleIndex: index };
    const passed = share(program, 5) < passRate;
    const [code, , outcomeOf] = failureOf(model, problem, place);
    const leaf = LEAVES.get(code);
    if (leaf === undefined) throw new Error(`the taxonomy has no leaf ${code}`);
    const verdict = verdictOf(passed ? { status: 'passed' } : outcomeOf(program), program);
    const line = 'exception' in verdict.outcome ? (verdict.outcome.exception?.line ?? null) : null;
    samples.push({
      ...key,
      completion,
      rawText: `${completion}\n\ndef another(values):\n${LINES[program % LINES.length]}`,
      cut: completion.length,
      finishReason: number % 12 === 0 ? 'length' : 'function',
      // Equal programs begin alike, and the seed of a real run differs by sample: what follows the cut does, too.
      tokens: Int32Array.from({ length: TOKENS }, (_, i) => noise(i < 8 + (program % 40) ? problem : number, i) % 50257),
      logprobs: Float32Array.from({ length: TOKENS }, (_, i) => -(noise(number, i) % 400) / 100),
      entropies: Float32Array.from({ length: TOKENS }, (_, i) => (noise(number, i, 1) % 300) / 100),
      seed: '1',
      error: null,
    });
    executions.push({
      ...key,
      verdict,
      categoryCode: passed ? null : code,
      categoryName: passed ? null : leaf.name,
      published: passed ? null : (leaf.published ?? null),
      outcome: passed ? 'pass' : leaf.outcome,
      evidence: passed ? 'all assertions held' : `made up for a benchmark, number ${program % 1000}`,
      generationCode: null,
      rule: passed ? null : leaf.name,
      place: line === null ? null : { line, column: null, range: { start: 40, end: 90 } },
      tokens: line === null ? null : { first: 10, last: 22 },
      node: line === null ? null : 'Assign',
      tags: passed ? [] : [`kind-${program % 6}`, `other-${program % 4}`],
    });
    measures.push({ ...key, measures: measuresOf(program, number, passed, completion) });
  }
  return { samples, executions, measures };
}
