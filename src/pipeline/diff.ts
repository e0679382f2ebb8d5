/** Two stored experiments, compared: what was asked for differently, and what came of it. Reads databases, and changes nothing in them. */
import type { ConfigValues } from '../config/schema.js';
import { questionOf } from '../datasets/problem.js';
import { differenceSteps, type Difference, type DifferenceWarning } from '../reports/difference.js';
import { plural } from '../reports/render/format.js';
import { finish, type Steps } from '../reports/steps.js';
import { Store } from '../store/store.js';
import type { Experiment, JudgedSample, ProblemRow } from '../store/types.js';
import { differingSettings } from './comparable.js';
import { databasePath } from './inputs.js';
import { through, type Progress } from './progress.js';
import { chooseExperiment } from './report.js';
import { inTurns } from './turns.js';

/** Something that was not the same for both, as text. */
export interface Setting {
  readonly key: string;
  readonly first: string;
  readonly second: string;
}

export interface ComparedExperiments {
  readonly first: Experiment;
  readonly second: Experiment;
  readonly settings: readonly Setting[];
  readonly difference: Difference;
}

/** `otherDatabase` holds the second one; without it both are in the config's. Throws `input` where one is not there. */
export function diffStored(
  values: ConfigValues,
  names: readonly [string, string],
  otherDatabase: string | undefined,
  progress?: Progress,
): ComparedExperiments {
  return finish(diffSteps(values, names, otherDatabase, progress));
}

/** The same within the config's database, leaving the event loop its turns. Rejects with the signal's reason when that is aborted. */
export async function diffStoredInTurns(
  values: ConfigValues,
  names: readonly [string, string],
  signal: AbortSignal,
  progress?: Progress,
): Promise<ComparedExperiments> {
  return await inTurns(diffSteps(values, names, undefined, progress), signal);
}

/** The databases are open until the last step, or until it is ended. */
function* diffSteps(
  values: ConfigValues,
  names: readonly [string, string],
  otherDatabase: string | undefined,
  progress: Progress | undefined,
): Steps<ComparedExperiments> {
  using store = Store.open(databasePath(values), { readonly: true });
  using other = otherDatabase === undefined ? null : Store.open(otherDatabase, { readonly: true });
  const first = chooseExperiment(store, names[0]);
  const second = chooseExperiment(other ?? store, names[1]);
  const changed = changedProblems(store.problems(first.id), (other ?? store).problems(second.id));
  const samplesOf = (from: Store, { id }: Experiment, which: string): Iterable<JudgedSample> =>
    through(progress, `samples of the ${which}`, from.counts(id).samples, from.judgedSamples(id));
  const found = yield* differenceSteps(samplesOf(store, first, 'first'), samplesOf(other ?? store, second, 'second'), {
    marks: { first: store.assertionMarks(first.id), second: (other ?? store).assertionMarks(second.id) },
  });
  return {
    first,
    second,
    settings: differingSettings([first, second]).map(({ key, values: [a, b] }) => ({ key, first: a!, second: b! })),
    difference: { ...found, warnings: [...changed, ...found.warnings] },
  };
}

/** The same as a JSON value: what `faultline diff --json` prints. */
export function differenceJson({ first, second, settings, difference }: ComparedExperiments): DifferenceDocument {
  const experiment = ({ name, hash }: Experiment): DifferenceDocument['first'] => ({ name, hash });
  return { first: experiment(first), second: experiment(second), settings, ...difference };
}

export interface DifferenceDocument extends Difference {
  readonly first: { readonly name: string; readonly hash: string };
  readonly second: { readonly name: string; readonly hash: string };
  readonly settings: readonly Setting[];
}

const NAMED = 5;

/** Problems that both experiments have under one name, and that are not the same: whoever pairs them compares two questions. */
function changedProblems(first: readonly ProblemRow[], second: readonly ProblemRow[]): DifferenceWarning[] {
  const others = new Map(second.map((problem) => [problem.taskId, problem]));
  const changed = first.filter((problem) => {
    const other = others.get(problem.taskId);
    return other !== undefined && questionOf(problem) !== questionOf(other);
  });
  if (changed.length === 0) return [];
  const names = changed.slice(0, NAMED).map(({ taskId }) => taskId);
  const more = changed.length > NAMED ? ' ...' : '';
  return [
    {
      rule: 'changed_problems',
      text:
        `${plural(changed.length, 'problem')} of one name ${changed.length === 1 ? 'has' : 'have'} another prompt, entry point or test in the ` +
        `second experiment: ${names.join(', ')}${more}.`,
      reason: "they are compared as if they were the same, so that differences need not be the models'",
      source: 'their texts, as stored with either experiment',
    },
  ];
}
