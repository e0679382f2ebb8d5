/**
 * What somebody who labels a failure may see of it: task, program, and what the sandbox observed. One row a column of the blind sheet.
 *
 * Not the category, its rule, evidence, tags and place, nor what was measured for the rules alone (relations of values, traits of inputs,
 * whether all calls returned one constant, names that nothing binds): who sees those repeats the classifier instead of checking it.
 */
import type { JudgedSample } from '../../store/types.js';
import { describeFailure } from '../describe.js';
import { programLines } from '../render/program-lines.js';
import { shorten } from '../render/visible.js';

/** A cell of 32,767 characters is a spreadsheet's limit; a program and its task stay far below. */
const MOST_TEST = 8_000;
const MOST_PRINTED = 500;

/** A judged failure with the text of its problem's test. */
export interface ShownFailure {
  readonly sample: Pick<JudgedSample, 'taskId' | 'prompt' | 'completion' | 'entryPoint' | 'finishReason' | 'verdict'>;
  readonly test: string;
}

type Fact = (failure: ShownFailure) => string | number | null;

/** Numbers and texts as they are, null where there is none; texts of the candidate are hostile. */
export const FACTS = {
  task_id: ({ sample }) => sample.taskId,
  entry_point: ({ sample }) => sample.entryPoint,
  prompt: ({ sample }) => sample.prompt,
  completion: ({ sample }) => sample.completion,
  /** `length`: generation met the token limit or the context. */
  generation_ended_by: ({ sample }) => (sample.finishReason === '' ? null : sample.finishReason),
  status: ({ sample }) => sample.verdict.outcome.status,
  /** How far it came: `compile`, `load` (the module's body), `call`. */
  phase: ({ sample }) => sample.verdict.measurements.phase,
  failure: ({ sample }) => describeFailure(sample.verdict).headline,
  /** From 1, in prompt + completion. */
  failing_line: ({ sample }) => describeFailure(sample.verdict).line,
  failing_column: ({ sample }) => describeFailure(sample.verdict).column,
  failing_text: ({ sample: { prompt, completion, verdict } }) => {
    const { lines, failing } = programLines(prompt, completion, describeFailure(verdict).line);
    const line = failing === null ? undefined : lines[failing - 1];
    return line === undefined ? null : line.prompt + line.completion;
  },
  failing_assertion: ({ sample }) => describeFailure(sample.verdict).assertion?.source ?? null,
  returned: ({ sample }) => describeFailure(sample.verdict).assertion?.returned ?? null,
  returned_type: ({ sample }) => describeFailure(sample.verdict).assertion?.returnedType ?? null,
  expected: ({ sample }) => describeFailure(sample.verdict).assertion?.expected ?? null,
  expected_type: ({ sample }) => describeFailure(sample.verdict).assertion?.expectedType ?? null,
  /** Each assertion of the test tried alone. */
  assertions: ({ sample }) => sample.verdict.measurements.assertions?.total ?? null,
  assertions_held: ({ sample }) => sample.verdict.measurements.assertions?.passed ?? null,
  /** Numbers of those that did not hold, from 1, in the order of the test. */
  assertions_failed: ({ sample }) => {
    const trials = sample.verdict.measurements.assertions?.trials ?? null;
    if (trials === null) return null;
    return trials.flatMap(({ held, index }) => (held ? [] : [index + 1])).join(' ');
  },
  /** Examples that the prompt shows. */
  examples: ({ sample }) => sample.verdict.measurements.examples?.total ?? null,
  examples_held: ({ sample }) => sample.verdict.measurements.examples?.passed ?? null,
  printed: ({ sample }) => {
    const { stdout } = sample.verdict.measurements;
    return stdout === '' ? null : shorten(stdout, MOST_PRINTED);
  },
  test: ({ test }) => shorten(test.trim(), MOST_TEST),
} as const satisfies Readonly<Record<string, Fact>>;
