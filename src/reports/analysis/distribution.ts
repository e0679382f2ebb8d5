/**
 * How outcomes and categories are distributed over what samples differ in: one row of {@link DIMENSIONS} each. Pure. A dimension in which
 * all samples are alike gives no table of one row, but the reason.
 */
import { costsOf, type Costs } from '../costs.js';
import { CRASHES, type CountedOutcome } from '../outcomes.js';
import type { Bootstrap, Estimate } from '../statistics/bootstrap.js';
import type { Steps } from '../steps.js';
import { failuresByCategory, perProblem, problemsOf, type AnalysisProblem, type AnalysisRow, type CategoryKey } from './rows.js';

export type DimensionName = 'problem' | 'difficulty' | 'strategy' | 'temperature' | 'length';

export interface Distribution {
  readonly dimension: DimensionName;
  /** Of the groups' values, such as `tokens`; null where they have none. */
  readonly unit: string | null;
  /** In the values' order; empty where there is nothing to tell apart. */
  readonly groups: readonly Group[];
  /** Why there are no groups; null where there are. */
  readonly missing: string | null;
}

/** The samples that are alike in a dimension. */
export interface Group {
  /** As text: a name, a number, or a range such as `16 to 31`; null where it is not recorded. */
  readonly value: string | null;
  readonly samples: number;
  readonly problems: number;
  readonly failures: number;
  /** Drawn for a sample; 0 where they are not known, as of samples that were made elsewhere. */
  readonly meanTokens: number;
  /** Equal programs of a problem count once. */
  readonly costs: Costs;
  /** Of the group's samples, as is `crash` (load and crash). Without an interval where the group is one problem. */
  readonly pass: Estimate;
  readonly crash: Estimate;
  /** Outcomes that did not occur are absent. */
  readonly outcomes: Readonly<Partial<Record<CountedOutcome, number>>>;
  /** Of the failures, by code. */
  readonly categories: readonly (CategoryKey & { readonly count: number; readonly share: number })[];
}

export interface ExperimentValues {
  /** Null where the experiment does not say, as of samples that were made elsewhere. */
  readonly temperature: string | null;
}

/** The temperature of a config's entries; null where they say none. What is greedy by name has 0, whatever stands beside it. */
export function temperatureOf(entry: (key: string) => string | null): string | null {
  return entry('strategy.name') === 'greedy' ? '0' : entry('strategy.temperature');
}

interface Value {
  readonly order: number;
  readonly text: string | null;
}

interface Dimension {
  readonly name: DimensionName;
  readonly unit: (rows: readonly AnalysisRow[]) => string | null;
  /** What a sample has; values with one text are one. */
  readonly valueOf: (row: AnalysisRow, unit: string | null, context: Context) => Value;
}

interface Context {
  readonly problems: readonly AnalysisProblem[];
  readonly experiment: ExperimentValues;
}

const noUnit = (): null => null;

/** One row each: it feeds text, JSON and its schema. */
export const DIMENSIONS: readonly Dimension[] = [
  {
    name: 'problem',
    unit: noUnit,
    valueOf: ({ problem }, _, { problems }) => ({ order: problem, text: problems[problem]!.taskId }),
  },
  {
    name: 'difficulty',
    unit: noUnit,
    valueOf: ({ problem }, _, { problems }) => numbered(problems[problem]!.difficulty),
  },
  // One experiment has one strategy and one temperature, which these two say; `by-setting.ts` sets several experiments side by side.
  { name: 'strategy', unit: noUnit, valueOf: ({ strategy }) => ({ order: 0, text: strategy }) },
  { name: 'temperature', unit: noUnit, valueOf: (_, __, { experiment }) => ({ order: 0, text: experiment.temperature }) },
  {
    name: 'length',
    // Of samples from elsewhere the tokens are not known.
    unit: (rows) => (rows.some(({ tokens }) => tokens > 0) ? 'tokens' : 'characters'),
    valueOf: ({ tokens, characters }, unit) => (unit === 'tokens' ? rangeOf(tokens, 16) : rangeOf(characters, 64)),
  },
];

/**
 * In steps, one a dimension.
 * @param bootstrap over the problems that the rows number
 */
export function* distributionSteps(
  rows: readonly AnalysisRow[],
  problems: readonly AnalysisProblem[],
  experiment: ExperimentValues,
  bootstrap: Bootstrap,
): Steps<Distribution[]> {
  const made: Distribution[] = [];
  for (const dimension of DIMENSIONS) {
    made.push(distribution(dimension, rows, { problems, experiment }, bootstrap));
    yield;
  }
  return made;
}

function distribution(dimension: Dimension, rows: readonly AnalysisRow[], context: Context, bootstrap: Bootstrap): Distribution {
  const unit = dimension.unit(rows);
  const found = new Map<string | null, { readonly value: Value; readonly rows: AnalysisRow[] }>();
  for (const row of rows) {
    const value = dimension.valueOf(row, unit, context);
    const own = found.get(value.text);
    if (own === undefined) found.set(value.text, { value, rows: [row] });
    else own.rows.push(row);
  }
  const head = { dimension: dimension.name, unit };
  const [only, ...others] = found.values();
  if (only === undefined) return { ...head, groups: [], missing: 'no sample counts' };
  if (others.length === 0) return { ...head, groups: [], missing: reasonFor(dimension.name, unit, only.value.text) };
  const groups = [...found.values()]
    .sort((a, b) => a.value.order - b.value.order)
    .map((each) => groupOf(each.value.text, each.rows, bootstrap));
  return { ...head, groups, missing: null };
}

/** Why there is no table where all samples have one value; null stands for one that is not recorded. */
export function reasonFor(name: DimensionName, unit: string | null, text: string | null): string {
  return text === null ? `no ${name} is recorded` : `all samples have one ${name}: ${text}${unit === null ? '' : ` ${unit}`}`;
}

/**
 * What came of some samples.
 * @param bootstrap over the problems that the rows number
 */
export function groupOf(value: string | null, rows: readonly AnalysisRow[], bootstrap: Bootstrap): Group {
  const problems = problemsOf(rows);
  const counted = perProblem(rows, bootstrap.size);
  const rate = (isCounted: (row: AnalysisRow) => boolean): Estimate =>
    problems === 1
      ? { value: rows.filter(isCounted).length / rows.length, low: null, high: null, method: 'none' }
      : bootstrap.ratio(perProblem(rows, bootstrap.size, isCounted), counted);
  const failures = rows.filter(({ outcome }) => outcome !== 'pass').length;
  const costs = costsOf(rows);
  const outcomes: Partial<Record<CountedOutcome, number>> = {};
  for (const { outcome } of rows) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  return {
    value,
    samples: rows.length,
    problems,
    failures,
    meanTokens: costs.tokens / rows.length,
    costs,
    pass: rate(({ outcome }) => outcome === 'pass'),
    crash: rate(({ outcome }) => CRASHES.includes(outcome)),
    outcomes,
    categories: failuresByCategory(rows).map(({ code, name, rows: own }) => ({
      code,
      name,
      count: own.length,
      share: own.length / failures,
    })),
  };
}

/** What is not recorded comes last. */
function numbered(value: number | null): Value {
  return value === null ? { order: Infinity, text: null } : { order: value, text: String(value) };
}

/** Ranges that double: below `least`, from there to twice as much, and so on. */
function rangeOf(count: number, least: number): Value {
  if (count < least) return { order: 0, text: `0 to ${least - 1}` };
  const from = least * 2 ** Math.floor(Math.log2(count / least));
  return { order: from, text: `${from} to ${2 * from - 1}` };
}
