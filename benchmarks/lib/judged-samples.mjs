/**
 * Made-up samples and verdicts of realistic size, the same for every writer under test: completions of some ten
 * lines, 128 tokens, and verdicts in the proportions of a small model (one pass in ten).
 */

import { NOT_MEASURED } from '../../dist/sandbox/verdict.js';

const TOKENS = 128;
const LINE = '    total = total + values[index] * weights[index]  # running sum\n';

const exception = (/** @type {string} */ type, /** @type {string} */ message, /** @type {number} */ line) => ({
  type,
  bases: [type, 'Exception', 'BaseException'],
  message,
  frames: [{ where: /** @type {const} */ ('sample'), function: 'solve', line }],
  line,
  column: null,
  node: /** @type {const} */ ('other'),
  statement: 'Assign',
  locals: [],
});

/** Outcome of a sample by its index, with the decision that belongs to it. */
const KINDS = [
  { decision: { code: null, name: null, outcome: 'pass' }, outcome: () => ({ status: 'passed' }) },
  {
    decision: { code: '2.1', name: 'syntax.unclosed', outcome: 'syntax' },
    outcome: (/** @type {number} */ i) => ({ status: 'syntax', exception: exception('SyntaxError', "'(' was never closed", 4 + (i % 9)) }),
  },
  {
    decision: { code: '4.1', name: 'crash.name_error', outcome: 'crash' },
    outcome: (/** @type {number} */ i) => ({
      status: 'exception',
      phase: 'call',
      exception: exception('NameError', `name 'value_${i}' is not defined`, 5 + (i % 8)),
    }),
  },
  {
    decision: { code: '8.12', name: 'wrong.all', outcome: 'wrong' },
    outcome: (/** @type {number} */ i) => ({
      status: 'assertion',
      assertion: {
        index: i % 5,
        source: 'assert candidate([1, 2, 3]) == 6',
        returned: String(i),
        returnedType: 'int',
        expected: '6',
        expectedType: 'int',
      },
    }),
  },
];

/** @param {number} problem @returns {import('../../dist/store/types.js').ProblemRow} */
export const problemRow = (problem) => ({
  taskId: `Made/${problem}`,
  prompt: `def solve(values, weights):\n    """Problem ${problem}: weighted sum."""\n`,
  entryPoint: 'solve',
  canonicalSolution: '    return sum(v * w for v, w in zip(values, weights))\n',
  test: 'def check(candidate):\n    assert candidate([1, 2, 3], [1, 1, 1]) == 6\n',
  position: problem,
});

/**
 * One problem's samples and executions.
 *
 * @param {number} problem
 * @param {number} count
 * @returns {{samples: any[], executions: any[]}} `SampleRow[]` and `ExecutionRow[]` of the store
 */
export function judgedSamples(problem, count) {
  const samples = [];
  const executions = [];
  for (let index = 0; index < count; index++) {
    const number = problem * count + index;
    const completion = `    total = ${number}\n${LINE.repeat(4 + (number % 8))}    return total\n`;
    const key = { strategy: 'nucleus', taskId: `Made/${problem}`, sampleIndex: index };
    samples.push({
      ...key,
      completion,
      rawText: `${completion}\n\ndef another(values):\n${LINE.repeat(2)}`,
      cut: completion.length,
      finishReason: 'function',
      tokens: Int32Array.from({ length: TOKENS }, (_, i) => (number * 31 + i * 7) % 50257),
      logprobs: Float32Array.from({ length: TOKENS }, (_, i) => -((number + i) % 100) / 25),
      entropies: Float32Array.from({ length: TOKENS }, (_, i) => ((number + i) % 90) / 30),
      seed: '1',
      error: null,
    });
    const kind = KINDS[index % 10 === 0 ? 0 : 1 + (index % 3)];
    executions.push({
      ...key,
      verdict: {
        passed: kind === KINDS[0],
        outcome: kind.outcome(number),
        measurements: {
          phase: 'call',
          calls: 1,
          allNone: false,
          stdout: '',
          cpuSeconds: 0.002,
          wallSeconds: 0.004,
          peakMemoryBytes: 12_000_000,
          nearLimit: false,
          ...NOT_MEASURED,
        },
      },
      categoryCode: kind.decision.code,
      categoryName: kind.decision.name,
      outcome: kind.decision.outcome,
      evidence: 'made for a benchmark',
      generationCode: null,
      // Not made up: what a decision has beside its leaf costs a column each, whatever it holds.
      published: null,
      rule: null,
      place: null,
      tokens: null,
      node: null,
      tags: [],
    });
  }
  return { samples, executions };
}
