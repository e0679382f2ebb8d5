/** Rows for the store's tests, made from numbers so that every run makes the same ones. Holds no test. */
import { createHash } from 'node:crypto';
import type { Outcome } from '../../../src/sandbox/verdict.js';
import type { DecisionRow, ExecutionRow, ExperimentManifest, ProblemRow, SampleRow } from '../../../src/store/types.js';
import { verdict } from '../sandbox/verdicts.js';

export function manifest(fields: Partial<ExperimentManifest> = {}): ExperimentManifest {
  const config = '{"samples":4}';
  return {
    name: 'demo',
    config,
    hash: createHash('sha256')
      .update(JSON.stringify([config, fields]))
      .digest('hex'),
    seed: '18446744073709551615',
    modelHash: 'm'.repeat(64),
    tokenizerHash: 't'.repeat(64),
    problemsHash: 'p'.repeat(64),
    dtype: 'float32',
    device: 'cpu',
    deviceName: 'a CPU',
    kernelFamily: 'fma',
    isa: 'avx2',
    cpu: 'a CPU',
    pythonVersion: '3.11.7',
    isolationTier: 'namespaces',
    calibration: 1.25,
    version: '0.1.0',
    ...fields,
  };
}

export function problems(count: number): ProblemRow[] {
  return Array.from({ length: count }, (_, position) => ({
    // Names that sort otherwise than positions, so that an order by name shows.
    taskId: `Task/${count - position}`,
    prompt: `def f${position}(x):\n    """Return x + ${position}."""\n`,
    entryPoint: `f${position}`,
    canonicalSolution: `    return x + ${position}\n`,
    test: `def check(candidate):\n    assert candidate(1) == ${position + 1}\n`,
    difficulty: position % 2 === 0 ? 1 + (position % 4) : null,
    furtherTest: position === 1 ? 'assert f1(7) == 8\n' : null,
    unsupported: null,
    position,
  }));
}

/** Splitmix-like: spreads small numbers over 32 bits. */
function noise(...parts: number[]): number {
  let state = 0x9e3779b9;
  for (const part of parts) {
    state = Math.imul(state ^ part, 0x85ebca6b) >>> 0;
    state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35) >>> 0;
    state = (state ^ (state >>> 16)) >>> 0;
  }
  return state;
}

export function sample(problem: ProblemRow, sampleIndex: number, fields: Partial<SampleRow> = {}): SampleRow {
  const length = noise(problem.position, sampleIndex) % 40;
  const completion = `    return x + ${noise(problem.position, sampleIndex, 1) % 7}  # \u00e9\u{1F600}\n`;
  const rest = sampleIndex % 3 === 0 ? 'def g():\n' : '';
  return {
    strategy: 'nucleus',
    taskId: problem.taskId,
    sampleIndex,
    completion,
    rawText: completion + rest,
    cut: completion.length,
    finishReason: rest === '' ? 'function' : 'stop',
    tokens: Int32Array.from({ length }, (_, i) => noise(problem.position, sampleIndex, i) % 50_257),
    logprobs: Float32Array.from({ length }, (_, i) => -(noise(sampleIndex, i) % 1_000) / 97),
    entropies: Float32Array.from({ length }, (_, i) => (noise(i, sampleIndex) % 1_000) / 89),
    seed: '18446744073709551615',
    error: null,
    ...fields,
  };
}

export function decision(fields: Partial<DecisionRow>): DecisionRow {
  return {
    categoryCode: null,
    categoryName: null,
    published: null,
    outcome: 'pass',
    evidence: '',
    generationCode: null,
    rule: null,
    place: null,
    tokens: null,
    node: null,
    tags: [],
    ...fields,
  };
}

const OUTCOMES: readonly [Outcome, DecisionRow][] = [
  [{ status: 'passed' }, decision({ outcome: 'pass', evidence: 'all assertions hold', tags: ['short'] })],
  [
    {
      status: 'exception',
      phase: 'call',
      exception: {
        type: 'NameError',
        bases: ['NameError', 'Exception', 'BaseException'],
        message: "name 'y' is not defined",
        frames: [{ where: 'sample', function: 'f', line: 3 }],
        line: 3,
        column: null,
        node: 'other',
        statement: 'Return',
        locals: [],
      },
    },
    decision({
      categoryCode: '4.1',
      categoryName: 'crash.name_error',
      published: { dou: ['B.2'], tambon: ['Hallucinated Object', 'x'], codehalu: [] },
      outcome: 'crash',
      evidence: "name 'y'",
      generationCode: '1.3',
      rule: 'name-error',
      place: { line: 3, column: null, range: { start: 4, end: 12 } },
      tokens: { first: 1, last: 2 },
      node: 'Return',
    }),
  ],
  [
    {
      status: 'assertion',
      assertion: { index: 1, source: 'assert candidate(1) == 2', returned: '3', returnedType: 'int', expected: '2', expectedType: 'int' },
    },
    decision({
      categoryCode: '8.11',
      categoryName: 'wrong.partial',
      outcome: 'wrong',
      evidence: 'the first 1',
      rule: 'partial',
      place: { line: 2, column: 7, range: null },
    }),
  ],
  [
    { status: 'limit', resource: 'cpu', exception: null },
    decision({ categoryCode: '5.1', categoryName: 'resource.cpu', outcome: 'resource', evidence: 'limit of cpu met', tags: ['a', 'b'] }),
  ],
];

/** One of four outcomes; times come from `clock`, as they would from a real run. */
export function execution(problem: ProblemRow, sampleIndex: number, clock = 0.5): ExecutionRow {
  const [outcome, made] = OUTCOMES[noise(problem.position, sampleIndex, 2) % OUTCOMES.length]!;
  const killed = outcome.status === 'limit';
  return {
    strategy: 'nucleus',
    taskId: problem.taskId,
    sampleIndex,
    verdict: verdict(outcome, {
      cpuSeconds: clock,
      wallSeconds: clock * 2,
      peakMemoryBytes: Math.round(clock * 1e7),
      nearLimit: killed && clock > 0.7,
      stdout: killed ? `${clock}\n` : 'out\n',
      assertions: outcome.status === 'assertion' ? { total: 4, passed: 1, trials: null } : null,
    }),
    ...made,
  };
}
