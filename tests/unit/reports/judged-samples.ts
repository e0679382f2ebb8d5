/**
 * Judged samples for the reports' tests, made from a seed: the shape of a real run (problems of different difficulty, failures of many
 * kinds, a few infrastructure failures), with programs whose failing lines are where the verdicts say. Executes nothing.
 */
import { analyse, type Analysis } from '../../../src/reports/analysis/analysis.js';
import { firstDivergence } from '../../../src/reports/analysis/first-divergence.js';
import { AnalysisRows } from '../../../src/reports/analysis/rows.js';
import type { ReportPlots } from '../../../src/reports/render/html.js';
import type { ReportData } from '../../../src/reports/report-data.js';
import { PhiloxStream } from '../../../src/reports/statistics/philox.js';
import type { ExceptionInfo, Outcome, Verdict } from '../../../src/sandbox/verdict.js';
import { summarise, type SummaryOptions } from '../../../src/reports/summary.js';
import type { AssertionMarks, Experiment, JudgedSample, MeasuredSample, StoredMeasures, TokenSample } from '../../../src/store/types.js';
import { CATEGORIES } from '../../../src/taxonomy/categories.js';
import { measureText } from '../../../src/text-metrics/measure-text.js';
import { loadGrammar } from '../../../src/text-metrics/syntax-tree.js';
import { verdict } from '../sandbox/verdicts.js';

// Before anything is measured: the samples are made while test files are collected.
await loadGrammar();

export { CATEGORIES };

/** A page whose plots nobody looks at. */
export const NO_PLOTS: ReportPlots = {
  categories: null,
  problems: null,
  passAtK: null,
  failurePosition: null,
  firstDivergence: null,
  textView: null,
};

export const EXPERIMENT: Experiment = {
  id: 1,
  name: 'pico-tasks',
  config: JSON.stringify({
    model: { path: 'data/models/pico-gpt2-py', dtype: 'float32' },
    problems: { path: 'data/problems/pico-tasks.jsonl', count: 80 },
    samples: 20,
    strategy: { name: 'sample', temperature: 0.8, top_k: 0, top_p: 0.95 },
    prompt_boundary: 'heal',
    stop_policy: 'function',
    limits: { cpu_seconds: 3, memory: 536870912 },
  }),
  hash: 'c3ab8ff13720e8ad9047dd39466b3c8974e592c2fa383d4a3960714caef0c4f2',
  seed: '18446744073709551557',
  modelHash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  tokenizerHash: '60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752',
  problemsHash: 'fd61a03af4f77d870fc21e05e7e80678095c92d808cfb3b5c279ee04c74aca13',
  dtype: 'float32',
  device: 'cpu',
  deviceName: 'Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz',
  kernelFamily: 'fma',
  isa: 'avx512',
  cpu: 'Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz',
  pythonVersion: '3.11.7',
  isolationTier: 'namespaces',
  calibration: 1.07,
  version: '0.1.0',
  createdAt: '2026-02-03T09:12:44.120Z',
  finishedAt: '2026-02-03T09:13:21.871Z',
  categorySettings: '{}',
};

/** One way for a program to end: its text, and what the sandbox would say of it. */
interface Ending {
  readonly code: string | null;
  readonly weight: number;
  readonly completion: string;
  /** Line of the failure within the completion, from 1. */
  readonly line?: number;
  readonly outcome: (line: number | null) => Outcome;
  readonly finishReason?: string;
}

function raised(type: string, message: string, line: number | null, extra: Partial<ExceptionInfo> = {}): ExceptionInfo {
  return {
    type,
    bases: [type, 'Exception', 'BaseException'],
    message,
    frames: [],
    line,
    column: null,
    node: 'other',
    statement: null,
    locals: [],
    ...extra,
  };
}

function crash(type: string, message: string): Ending['outcome'] {
  return (line) => ({ status: 'exception', phase: 'call', exception: raised(type, message, line) });
}

function wrong(source: string, returned: string, returnedType: string, expected: string, expectedType: string): Ending['outcome'] {
  return () => ({ status: 'assertion', assertion: { index: 0, source, returned, returnedType, expected, expectedType } });
}

const ENDINGS: readonly Ending[] = [
  { code: null, weight: 0, completion: '    return [n * n for n in numbers if n % 2 == 0]\n', outcome: () => ({ status: 'passed' }) },
  {
    code: '4.1',
    weight: 18,
    completion: '    result = []\n    for value in numbers:\n        result.append(values * 2)\n    return result\n',
    line: 3,
    outcome: crash('NameError', "name 'values' is not defined. Did you mean: 'value'?"),
  },
  {
    code: '4.4',
    weight: 12,
    completion: '    total = 0\n    for n in numbers:\n        total += str(n)\n    return total\n',
    line: 3,
    outcome: crash('TypeError', "unsupported operand type(s) for +=: 'int' and 'str'"),
  },
  {
    code: '4.2',
    weight: 7,
    completion: '    numbers = sorted(numbers)\n    return numbers.first()\n',
    line: 2,
    outcome: crash('AttributeError', "'list' object has no attribute 'first'"),
  },
  {
    code: '4.5',
    weight: 9,
    completion: '    best = 0\n    for i in range(len(numbers) + 1):\n        best = max(best, numbers[i])\n    return best\n',
    line: 3,
    outcome: crash('IndexError', 'list index out of range'),
  },
  {
    code: '3.1',
    weight: 3,
    completion: '    return sum(numbers)\n\nprint(solv([1, 2]))\n',
    line: 3,
    outcome: (line) => ({ status: 'exception', phase: 'load', exception: raised('NameError', "name 'solv' is not defined", line) }),
  },
  {
    code: '4.8',
    weight: 2,
    completion: '    return solve(numbers)\n',
    line: 1,
    outcome: crash('RecursionError', 'maximum recursion depth exceeded'),
  },
  { code: '4.10', weight: 1, completion: '    return int.from_bytes(numbers)\n', line: 1, outcome: crash('BufferError', 'no buffer') },
  {
    code: '2.1',
    weight: 6,
    completion: '    return [n for n in numbers if (n % 2 == 0]\n',
    line: 1,
    outcome: (line) => ({
      status: 'syntax',
      exception: raised('SyntaxError', "closing parenthesis ']' does not match opening parenthesis '('", line, { column: 46, node: null }),
    }),
  },
  {
    code: '2.2',
    weight: 4,
    completion: '    for n in numbers:\n    return n\n',
    line: 2,
    outcome: (line) => ({
      status: 'syntax',
      exception: raised('IndentationError', "expected an indented block after 'for' statement on line 5", line, { column: 5, node: null }),
    }),
  },
  {
    code: '2.5',
    weight: 1,
    completion: '    return numbers numbers\n',
    line: 1,
    outcome: (line) => ({ status: 'syntax', exception: raised('SyntaxError', 'invalid syntax', line, { column: 20, node: null }) }),
  },
  {
    code: '1.1',
    weight: 5,
    completion: '    result = []\n    for n in numbers:\n        if n %',
    line: 3,
    finishReason: 'length',
    outcome: (line) => ({ status: 'syntax', exception: raised('SyntaxError', 'invalid syntax', line, { column: 15, node: null }) }),
  },
  {
    code: '5.1',
    weight: 4,
    completion: '    i = 0\n    while i < len(numbers):\n        total = numbers[i]\n    return total\n',
    outcome: () => ({ status: 'limit', resource: 'cpu', exception: null }),
  },
  {
    code: '6.1',
    weight: 1,
    completion: '    import sys\n    sys.exit(0)\n',
    outcome: () => ({ status: 'exit', code: 0, via: 'SystemExit' }),
  },
  {
    code: '8.1',
    weight: 9,
    completion: '    numbers.sort()\n',
    outcome: wrong('assert candidate([3, 1, 2]) == [1, 2, 3]', 'None', 'NoneType', '[1, 2, 3]', 'list'),
  },
  {
    code: '8.3',
    weight: 6,
    completion: '    return str(sum(numbers))\n',
    outcome: wrong('assert candidate([1, 2]) == 3', "'3'", 'str', '3', 'int'),
  },
  {
    code: '8.11',
    weight: 8,
    completion: '    return [n for n in numbers if n > 0]\n',
    outcome: wrong('assert candidate([0, 1]) == [0, 1]', '[1]', 'list', '[0, 1]', 'list'),
  },
  {
    code: '8.12',
    weight: 13,
    completion: '    return numbers\n',
    outcome: wrong('assert candidate([1]) == 1', '[1]', 'list', '1', 'int'),
  },
];

/** A verdict around an outcome. */
export function verdictOf(outcome: Outcome, nearLimit = false): Verdict {
  return verdict(outcome, { nearLimit });
}

/** `problems` x `samples` judged samples; equal seeds give equal samples. About one sample in 400 is an infrastructure failure. */
export function judgedSamples(problems: number, samples: number, seed = 1n): JudgedSample[] {
  const stream = new PhiloxStream(seed);
  const uniform = (): number => (stream.word() + 0.5) / 2 ** 32;
  const rows: JudgedSample[] = [];
  for (let p = 0; p < problems; p++) {
    const taskId = `Pico/${p}`;
    const prompt = `def solve(numbers):\n    """Return what task ${p} asks for.\n    >>> solve([1, 2])\n    """\n`;
    const ability = uniform() ** 2.2;
    // Problems differ in how they fail, not only in how often: a per-problem tilt of every weight.
    const weights = ENDINGS.map((ending) => ending.weight * uniform() ** 2);
    const whole = weights.reduce((sum, weight) => sum + weight, 0);
    for (let sampleIndex = 0; sampleIndex < samples; sampleIndex++) {
      let ending = ENDINGS[0]!;
      if (uniform() >= ability) {
        let at = uniform() * whole;
        ending = ENDINGS.find((_, i) => (at -= weights[i]!) < 0) ?? ENDINGS.at(-1)!;
      }
      const infra = uniform() < 1 / 400;
      const line = ending.line === undefined ? null : prompt.split('\n').length - 1 + ending.line;
      const category = infra ? undefined : CATEGORIES.find(({ code }) => code === ending.code);
      rows.push({
        strategy: 'sample',
        taskId,
        sampleIndex,
        prompt,
        entryPoint: 'solve',
        difficulty: (p % 4) + 1,
        completion: ending.completion,
        rawText: ending.completion,
        finishReason: ending.finishReason ?? (uniform() < 0.8 ? 'function' : 'eos'),
        tokenCount: 12 + Math.floor(uniform() * 40),
        meanLogprob: -0.1 - uniform(),
        verdict: verdictOf(
          infra ? { status: 'infra', reason: 'the zygote was lost' } : ending.outcome(line),
          !infra && uniform() < 1 / 300,
        ),
        categoryCode: infra ? '0' : ending.code,
        categoryName: infra ? 'infra' : (category?.name ?? null),
        published: category?.published ?? null,
        rule: null,
        place: null,
        tokens: null,
        node: null,
        tags: [],
        outcome: infra ? 'infra' : ending.code === null ? 'pass' : category!.outcome,
        evidence: infra ? 'the zygote was lost' : ending.code === null ? 'passed' : `rule ${ending.code}`,
        generationCode: null,
      });
    }
  }
  return rows;
}

/**
 * The same samples with what their texts are like, beside the text of those that pass; their tokens have log-probabilities and no
 * entropies.
 */
export function measuredSamples(rows: readonly JudgedSample[]): MeasuredSample[] {
  const known = new Map<string, StoredMeasures>();
  return rows.map(({ strategy, taskId, sampleIndex, completion, outcome, categoryCode, categoryName, meanLogprob }) => {
    let measures = known.get(completion);
    if (measures === undefined) known.set(completion, (measures = measureText({ completion, reference: ENDINGS[0]!.completion })));
    const ofTokens = meanLogprob === null ? {} : { mean_logprob: meanLogprob, perplexity: Math.exp(-meanLogprob) };
    return { strategy, taskId, sampleIndex, completion, outcome, categoryCode, categoryName, measures: { ...measures, ...ofTokens } };
  });
}

/** The same samples with what the taxonomy adds to a failure that has a line: its place, a tag, and a leaf of family 1 beside it. */
export function placed(rows: readonly JudgedSample[]): JudgedSample[] {
  return rows.map((each) => {
    const { outcome } = each.verdict;
    const line = 'exception' in outcome ? (outcome.exception?.line ?? null) : null;
    if (line === null) return each;
    return { ...each, place: { line, column: null, range: null }, tags: ['a_tag'], generationCode: '1.1' };
  });
}

export interface AnalysedOptions extends SummaryOptions {
  /** Default {@link EXPERIMENT}. */
  readonly experiment?: Experiment;
  /** Whether assertions are marked at all; default true. */
  readonly marked?: boolean;
}

/** Every problem's first assertion of three is visible in every other problem. */
export function marksOf(samples: readonly JudgedSample[]): AssertionMarks[] {
  const taskIds = [...new Set(samples.map(({ taskId }) => taskId))];
  return taskIds.map((taskId, i) => ({ taskId, examples: 1, total: 3, visible: i % 2 === 0 ? [0] : [], missing: null }));
}

/** Analyses of samples with tokens made up for them, and the assertions marked as {@link marksOf} does. */
export function analysed(
  samples: readonly JudgedSample[],
  { experiment = EXPERIMENT, marked = true, ...options }: AnalysedOptions,
): Analysis {
  const marks = marksOf(samples);
  const rows = new AnalysisRows(marked ? marks : []);
  const report = summarise(experiment, rows.through(samples), options);
  const tokens = samples.map(({ strategy, taskId, sampleIndex, outcome, categoryCode, categoryName, tokenCount }): TokenSample => ({
    strategy,
    taskId,
    sampleIndex,
    outcome,
    categoryCode,
    categoryName,
    tokens: {
      tokens: Int32Array.from({ length: tokenCount }, (_, at) => (at * (sampleIndex + 1)) % 7),
      logprobs: new Float32Array(tokenCount).fill(-0.5),
      entropies: new Float32Array(tokenCount).fill(0.25),
    },
  }));
  return analyse(report, { rows, marks: marked ? marks : [], firstDivergence: firstDivergence(tokens) });
}

/** What a report of them is written from. */
export function analysedReport(samples: readonly JudgedSample[], options: AnalysedOptions): ReportData {
  const { report, ...analyses } = analysed(samples, options);
  return { ...report, analyses };
}

/** One sample with chosen fields; everything else is ordinary. */
export function sample(fields: Partial<JudgedSample> = {}): JudgedSample {
  return {
    strategy: 'sample',
    taskId: 'Pico/0',
    sampleIndex: 0,
    prompt: 'def solve(numbers):\n',
    entryPoint: 'solve',
    difficulty: null,
    completion: '    return numbers\n',
    rawText: '    return numbers\n',
    finishReason: 'function',
    tokenCount: 10,
    meanLogprob: -0.5,
    verdict: verdictOf({ status: 'passed' }),
    categoryCode: null,
    categoryName: null,
    published: null,
    rule: null,
    place: null,
    tokens: null,
    node: null,
    tags: [],
    outcome: 'pass',
    evidence: 'passed',
    generationCode: null,
    ...fields,
  };
}

/** Text that a page, a table or a terminal must show and never obey. */
export const HOSTILE = {
  script: `</script></style></pre><script>document.title = 'owned'; fetch('http://127.0.0.1:9/owned')</script>`,
  image: `"><img src="http://127.0.0.1:9/x.png" onerror="document.title = 'owned'">`,
  svg: `]]></text></svg><svg onload="document.title = 'owned'">`,
  entity: '&lt;b&gt; &amp; &#x202e;',
  bidi: '\u202e# evil\u2066',
  control: 'a\u0000b\u001b[31mred\u0007',
  surrogate: 'half \ud800 pair',
  formula: '=HYPERLINK("http://127.0.0.1:9/","x")',
} as const;

/** A failing sample each of whose texts is hostile. */
export function hostileSample(fields: Partial<JudgedSample> = {}): JudgedSample {
  const everything = Object.values(HOSTILE).join(' ');
  return sample({
    taskId: `Evil/${HOSTILE.script}`,
    entryPoint: HOSTILE.image,
    prompt: `def solve():\n    """${everything}"""\n`,
    completion: `    x = ${JSON.stringify(HOSTILE.script)}\n    ${HOSTILE.image}\n    ${HOSTILE.control}${HOSTILE.bidi}\n`,
    finishReason: 'eos',
    verdict: verdictOf({ status: 'exception', phase: 'call', exception: raised(HOSTILE.image, everything, 4) }),
    categoryCode: '4.66',
    categoryName: `crash.${HOSTILE.image}`,
    outcome: 'crash',
    evidence: everything,
    ...fields,
  });
}
