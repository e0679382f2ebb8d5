/** Two stored experiments, compared: what was asked for differently, and what came of it. Reads databases, and changes nothing in them. */
import type { ConfigValues } from '../config/schema.js';
import { difference, type Difference } from '../reports/difference.js';
import { plural } from '../reports/render/format.js';
import { Store } from '../store/store.js';
import type { Experiment, ProblemRow } from '../store/types.js';
import { databasePath } from './inputs.js';
import { chooseExperiment } from './report.js';

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
  /** What makes the comparison doubtful, in sentences. */
  readonly warnings: readonly string[];
  readonly difference: Difference;
}

/** What both rows say beside the config, and what a reader of two results wants to know. */
const FACTS = [
  'seed',
  'modelHash',
  'tokenizerHash',
  'problemsHash',
  'dtype',
  'device',
  'kernelFamily',
  'pythonVersion',
  'isolationTier',
  'version',
] as const;

/** `otherDatabase` holds the second one; without it both are in the config's. Throws `input` where one is not there. */
export function diffStored(values: ConfigValues, names: readonly [string, string], otherDatabase: string | undefined): ComparedExperiments {
  using store = Store.open(databasePath(values), { readonly: true });
  using other = otherDatabase === undefined ? null : Store.open(otherDatabase, { readonly: true });
  const first = chooseExperiment(store, names[0]);
  const second = chooseExperiment(other ?? store, names[1]);
  return {
    first,
    second,
    settings: settingsOf(first, second),
    warnings: [...changedProblems(store.problems(first.id), (other ?? store).problems(second.id))],
    difference: difference(store.judgedSamples(first.id), (other ?? store).judgedSamples(second.id)),
  };
}

const NAMED = 5;

/**
 * Problems that both experiments have under one name, and that are not the same: whoever pairs them compares two questions. What
 * decides no pass, such as the canonical solution, is no part of the question.
 */
function changedProblems(first: readonly ProblemRow[], second: readonly ProblemRow[]): string[] {
  const others = new Map(second.map((problem) => [problem.taskId, problem]));
  const changed = first.filter((problem) => {
    const other = others.get(problem.taskId);
    return other !== undefined && (['prompt', 'entryPoint', 'test'] as const).some((part) => problem[part] !== other[part]);
  });
  if (changed.length === 0) return [];
  const names = changed.slice(0, NAMED).map(({ taskId }) => taskId);
  const more = changed.length > NAMED ? ' ...' : '';
  return [
    `${plural(changed.length, 'problem')} of one name ${changed.length === 1 ? 'has' : 'have'} another prompt, entry point or test in the second experiment: ` +
      `${names.join(', ')}${more}. They are compared as if they were the same; the differences need not be the models'.`,
  ];
}

function settingsOf(first: Experiment, second: Experiment): Setting[] {
  const entries = (experiment: Experiment): Map<string, string> =>
    new Map([
      ...Object.entries(JSON.parse(experiment.config) as Record<string, unknown>).map(([key, value]) => [key, textOf(value)] as const),
      ...FACTS.map((key) => [key, experiment[key]] as const),
    ]);
  const [a, b] = [entries(first), entries(second)];
  return [...new Set([...a.keys(), ...b.keys()])]
    .map((key) => ({ key, first: a.get(key) ?? '', second: b.get(key) ?? '' }))
    .filter((setting) => setting.first !== setting.second);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
