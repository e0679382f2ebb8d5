/**
 * What a view of the texts alone would have said: how well each measure of a sample's text tells how its execution ended, where the two
 * views disagree most, and which failures the text does not give away. Pure: reads what it is given once, and touches no file, clock or
 * database. Measures nothing: `src/text-metrics/` does.
 *
 * An area is of the measure's raw value, never turned round: below 0.5 the class has the smaller values, whichever way is better by the
 * textbook. Nothing is said of classes that are too small ({@link LEAST}): the reason stands in place of the number.
 */
import type { MeasuredSample } from '../store/types.js';
import { MEASURES, type Measure } from '../text-metrics/measures.js';
import { failuresByCategory, problemsOf, type CategoryKey } from './analysis/rows.js';
import { CRASHES, OUTCOME_ORDER, outcomeOf, type CountedOutcome } from './outcomes.js';
import { plural } from './render/format.js';
import type { CategoryTold, Disagreement, ProgramCounts, TextArea, TextTarget, TextView } from './report-data.js';
import { aurocByProblem, aurocWithin } from './statistics/auroc.js';
import { Bootstrap, type Estimate } from './statistics/bootstrap.js';
import { signFlipTests, type SignFlipOptions } from './statistics/sign-flips.js';
import { finish, type Steps } from './steps.js';
import { sum } from './statistics/sum.js';

/** What a class must have at least, samples and problems with one, for an area to be given; and problems with both classes. */
export const LEAST = { samples: 20, problems: 5 } as const;
/** By this measure texts count as like or unlike the canonical solution where the two views disagree. */
export const DISAGREEMENT_MEASURE = 'edit_similarity';
const DISAGREEMENTS = 10;
/** Adjusted p-value up to which a category is told from passes. */
const LEVEL = 0.05;
/** Fewer than elsewhere: hundreds of areas are asked for, and each costs a pass over all pairs of problems for every resample. */
export const AREA_RESAMPLES = 999;

const ROWS: readonly Measure[] = MEASURES;

export interface TextViewOptions {
  /** Seed of the bootstrap, default 0. */
  readonly seed?: bigint;
  /** Default 999. */
  readonly resamples?: number;
}

/** Without its text: all of them are in memory. */
interface Row extends Omit<MeasuredSample, 'outcome' | 'completion'> {
  readonly outcome: CountedOutcome;
  /** Its place among the counted samples. */
  readonly number: number;
  /** Number of its problem. */
  readonly problem: number;
  /** Number of its program: equal completions of one problem are one. */
  readonly program: number;
  /** Number of its outcome and category: what a {@link Question} asks of a sample. */
  readonly kind: number;
}
type MeasuredRow = Row & { readonly measures: NonNullable<MeasuredSample['measures']> };

/** How a sample ended, as far as a {@link Question} asks. */
type Kind = Pick<Row, 'outcome' | 'categoryCode'>;

/** A question to every measure: is a sample of the class? Null: it is not compared. */
interface Question {
  readonly target: Pick<TextTarget, 'kind' | 'code' | 'name' | 'against'>;
  readonly isPositive: (kind: Kind) => boolean | null;
}

/** The rows that have a value of a measure, by ascending value. Plain numbers: each class goes through all of them. */
interface Ordered {
  readonly scores: Float64Array;
  /** Of the rows and of their problems. */
  readonly numbers: Int32Array;
  readonly problems: Int32Array;
}

/**
 * The text view of one experiment under one strategy; null where no counted sample was measured.
 * @param samples each (task, sample index) at most once, in the order of the problem file and by sample index
 */
export function textView(samples: Iterable<MeasuredSample>, options: TextViewOptions = {}): TextView | null {
  return finish(textViewSteps(samples, options));
}

/** The same in steps: one a sample, then one a measure, then one an area. */
export function* textViewSteps(
  samples: Iterable<MeasuredSample>,
  { seed = 0n, resamples = AREA_RESAMPLES }: TextViewOptions = {},
): Steps<TextView | null> {
  const { rows, problems, kinds } = yield* countedRows(samples);
  const measured = rows.filter((row): row is MeasuredRow => row.measures !== null);
  if (measured.length === 0) return null;

  const bootstrap = new Bootstrap(problems, { seed, resamples });
  const ordered = new Map<Measure['key'], Ordered>();
  for (const measure of ROWS) {
    ordered.set(measure.key, orderBy(measured, measure));
    yield;
  }
  const categories = categoriesOf(measured);
  const drawn: MeasuredTarget[] = [];
  // By number, beside each other: each class goes through all of them.
  const kindOf = Int32Array.from(rows, ({ kind }) => kind);
  const problemOf = Int32Array.from(rows, ({ problem }) => problem);
  const isMeasured = Uint8Array.from(rows, ({ measures }) => Number(measures !== null));
  const asked = questions(categories);
  const total = asked.length * ROWS.length;
  let done = 0;
  for (const { target, isPositive } of asked) {
    // Asked once for all measures.
    const classes = new Int8Array(rows.length);
    const positives = new Int32Array(problems);
    const sides = Int8Array.from(kinds, (kind) => Number(isPositive(kind) ?? -1));
    for (let number = 0; number < rows.length; number++) {
      const side = sides[kindOf[number]!]!;
      classes[number] = side;
      if (side === 1 && isMeasured[number] === 1) positives[problemOf[number]!]!++;
    }
    const areas: AreaByProblem[] = [];
    for (const measure of ROWS) {
      areas.push(areaOf(bootstrap, measure, ordered.get(measure.key)!, classes, target.against));
      yield { label: 'areas', done: ++done, total };
    }
    drawn.push({ ...target, ...sizeOf(positives), measures: areas });
  }
  yield;
  const { targets, areas } = withTests(drawn, { flips: resamples, seed });
  return {
    samples: measured.length,
    problems: problemsOf(measured),
    unmeasured: rows.length - measured.length,
    least: LEAST,
    intervals: { confidence: bootstrap.confidence, resamples: bootstrap.resamples, seed: seed.toString() },
    targets,
    tests: { areas, level: LEVEL },
    categories: categories.map((category) => toldFromPasses(category, targets)),
    similarFailures: disagreements(measured, (row) => row.outcome !== 'pass', -1),
    dissimilarPasses: disagreements(measured, (row) => row.outcome === 'pass', 1),
    programs: programCounts(rows, bootstrap),
  };
}

/** The samples that count, with numbers for problems, programs and kinds; and the kinds. */
function* countedRows(
  samples: Iterable<MeasuredSample>,
): Steps<{ readonly rows: readonly Row[]; readonly problems: number; readonly kinds: readonly Kind[] }> {
  const rows: Row[] = [];
  const kinds: Kind[] = [];
  const kindNumbers = new Map<CountedOutcome, Map<string | null, number>>();
  const problems = new Map<string, number>();
  /** Programs of the problem that was seen last: samples come problem by problem. */
  let own = { problem: -1, programs: new Map<string, number>() };
  let programs = 0;
  for (const { completion, ...sample } of samples) {
    yield;
    const outcome = outcomeOf(sample.outcome);
    if (outcome === null || outcome === 'infra') continue;
    let problem = problems.get(sample.taskId);
    if (problem === undefined) problems.set(sample.taskId, (problem = problems.size));
    if (own.problem !== problem) own = { problem, programs: new Map() };
    let program = own.programs.get(completion);
    if (program === undefined) own.programs.set(completion, (program = programs++));
    const { categoryCode } = sample;
    let ofOutcome = kindNumbers.get(outcome);
    if (ofOutcome === undefined) kindNumbers.set(outcome, (ofOutcome = new Map<string | null, number>()));
    let kind = ofOutcome.get(categoryCode);
    if (kind === undefined) ofOutcome.set(categoryCode, (kind = kinds.push({ outcome, categoryCode }) - 1));
    rows.push({ ...sample, outcome, number: rows.length, problem, program, kind });
  }
  return { rows, problems: problems.size, kinds };
}

interface CategoryCount extends CategoryKey {
  readonly samples: number;
  readonly problems: number;
}

/** The categories of the failures, by code. */
function categoriesOf(rows: readonly MeasuredRow[]): CategoryCount[] {
  return failuresByCategory(rows).map(({ code, name, rows: own }) => ({ code, name, samples: own.length, problems: problemsOf(own) }));
}

function questions(categories: readonly CategoryCount[]): Question[] {
  return [
    {
      target: { kind: 'pass', code: null, name: 'pass', against: 'rest' },
      isPositive: ({ outcome }) => outcome === 'pass',
    },
    {
      target: { kind: 'crash', code: null, name: 'crash', against: 'rest' },
      isPositive: ({ outcome }) => CRASHES.includes(outcome),
    },
    ...categories.filter(isLargeEnough).flatMap(({ code, name }): Question[] => {
      const isOfIt = ({ outcome, categoryCode }: Kind): boolean => outcome !== 'pass' && categoryCode === code;
      return [
        { target: { kind: 'category', code, name, against: 'rest' }, isPositive: isOfIt },
        {
          target: { kind: 'category', code, name, against: 'pass' },
          isPositive: (kind) => (kind.outcome === 'pass' ? false : isOfIt(kind) ? true : null),
        },
      ];
    }),
  ];
}

/** The targets that are asked about of all samples: passes and crashes. */
const WHOLE_TARGETS = 2;

/**
 * How many areas over all pairs have intervals in a view that has so many categories which are large enough: nearly all of its time goes into these.
 * `overall` are those of passes and crashes, `ofCategory` those of each category against the rest.
 */
export const AREAS = { overall: WHOLE_TARGETS * ROWS.length, ofCategory: ROWS.length } as const;

/** In linear time but for a sort of bare numbers: that of places by a comparison took a fifth of a report. */
function orderBy(rows: readonly MeasuredRow[], { key }: Measure): Ordered {
  const values = new Float64Array(rows.length);
  const numbers = new Int32Array(rows.length);
  const problems = new Int32Array(rows.length);
  let count = 0;
  for (const { measures, number, problem } of rows) {
    const value = measures[key];
    if (value === null) continue;
    // An area asks for order alone, and for finite numbers: the largest one stands for an infinite perplexity.
    values[count] = Math.min(value, Number.MAX_VALUE);
    numbers[count] = number;
    problems[count++] = problem;
  }
  const scores = values.slice(0, count).sort();
  /** Of each value, the next free place. Equal values stay in the samples' order. */
  const next = new Map<number, number>();
  for (let place = count - 1; place >= 0; place--) next.set(scores[place]!, place);
  const ordered: Ordered = { scores, numbers: new Int32Array(count), problems: new Int32Array(count) };
  for (let i = 0; i < count; i++) {
    const place = next.get(values[i]!)!;
    next.set(values[i]!, place + 1);
    ordered.numbers[place] = numbers[i]!;
    ordered.problems[place] = problems[i]!;
  }
  return ordered;
}

/**
 * @param classes for each counted sample, by number, whether it is of the class; -1 where it is not compared
 * @param against of the class; against passes, where problems are asked one by one, the area over all pairs has no interval
 */
function areaOf(
  bootstrap: Bootstrap,
  measure: Measure,
  ordered: Ordered,
  classes: Int8Array,
  against: TextTarget['against'],
): AreaByProblem {
  // In the order of their values, which leaves nothing to sort there: it was done once for all classes.
  const scores = new Float64Array(ordered.scores.length);
  const positive = new Int8Array(scores.length);
  const problems = new Int32Array(scores.length);
  /** Samples of each problem, beside the class and in it. */
  const counts = [new Int32Array(bootstrap.size), new Int32Array(bootstrap.size)] as const;
  let compared = 0;
  for (let place = 0; place < scores.length; place++) {
    const side = classes[ordered.numbers[place]!]!;
    if (side === -1) continue;
    const problem = ordered.problems[place]!;
    scores[compared] = ordered.scores[place]!;
    positive[compared] = side;
    problems[compared++] = problem;
    counts[side === 1 ? 1 : 0][problem]!++;
  }
  const [others, ofClass] = [sizeOf(counts[0]), sizeOf(counts[1])];
  const facts = { measure: measure.key, better: measure.better, positives: ofClass.samples, negatives: others.samples };
  if (!isLargeEnough(ofClass) || !isLargeEnough(others)) {
    const missing = isLargeEnough(ofClass) ? describeSize(others, 'beside the class') : describeSize(ofClass, 'in the class');
    return { ...facts, pooled: NOTHING, within: NOTHING, mixedProblems: mixed(counts), missing, byProblem: [] };
  }
  const aurocOf = against === 'rest' ? aurocByProblem : aurocWithin;
  const { pooled, within, mixedProblems, byProblem } = aurocOf(bootstrap, {
    scores: scores.subarray(0, compared),
    positive: positive.subarray(0, compared),
    problems: problems.subarray(0, compared),
  });
  if (mixedProblems >= LEAST.problems) return { ...facts, pooled, within, mixedProblems, missing: null, byProblem };
  const missing = `${plural(mixedProblems, 'problem')} ${mixedProblems === 1 ? 'has' : 'have'} both; at least ${LEAST.problems} are needed`;
  return { ...facts, pooled, within: NOTHING, mixedProblems, missing, byProblem: [] };
}

/** An area before it is known how many there are, with each problem's own. */
type AreaByProblem = Omit<TextArea, 'adjustedP'> & { readonly byProblem: readonly (number | null)[] };
type MeasuredTarget = Omit<TextTarget, 'measures'> & { readonly measures: readonly AreaByProblem[] };

/** Whoever looks for an area away from 0.5 among hundreds finds one by chance: those of categories against passes are tested together. */
function withTests(drawn: readonly MeasuredTarget[], options: SignFlipOptions): { targets: TextTarget[]; areas: number } {
  const family = drawn
    .filter(({ kind, against }) => kind === 'category' && against === 'pass')
    .flatMap(({ measures }) => measures.filter(({ within }) => within.value !== null));
  const tested = signFlipTests(
    family.map(({ byProblem }) => byProblem.map((area) => (area === null ? null : area - 0.5))),
    options,
  );
  const found = new Map(family.map((area, i) => [area, tested[i]!]));
  return {
    targets: drawn.map(({ measures, ...target }) => ({
      ...target,
      measures: measures.map((each): TextArea => {
        const { measure, better, positives, negatives, pooled, within, mixedProblems, missing } = each;
        const adjustedP = found.get(each) ?? null;
        return { measure, better, positives, negatives, pooled, within, adjustedP, mixedProblems, missing };
      }),
    })),
    areas: family.length,
  };
}

const NOTHING: Estimate = { value: null, low: null, high: null, method: 'none' };

interface Size {
  readonly samples: number;
  readonly problems: number;
}

function isLargeEnough({ samples, problems }: Size): boolean {
  return samples >= LEAST.samples && problems >= LEAST.problems;
}

function describeSize({ samples, problems }: Size, where: string): string {
  return `${plural(samples, 'sample')} of ${plural(problems, 'problem')} ${where}; at least ${LEAST.samples} of ${LEAST.problems} are needed`;
}

/** @param counts of each problem */
function sizeOf(counts: Int32Array): Size {
  let [samples, problems] = [0, 0];
  for (const count of counts) {
    samples += count;
    problems += Number(count > 0);
  }
  return { samples, problems };
}

/** Problems that have samples of both sides. */
function mixed([others, ofClass]: readonly [Int32Array, Int32Array]): number {
  return others.reduce((sum, count, problem) => sum + Number(count > 0 && ofClass[problem]! > 0), 0);
}

/**
 * Whether any measure of the text tells a category from passes of the same problems: one whose area is not 0.5 is enough, given how many are
 * asked. One that too few samples have a value of is not asked where others are: samples that were made elsewhere have no log-probabilities, measures
 * stored by an earlier release lack those that came later.
 */
function toldFromPasses(category: CategoryCount, targets: readonly TextTarget[]): CategoryTold {
  const target = targets.find(({ kind, code, against }) => kind === 'category' && code === category.code && against === 'pass');
  if (target === undefined) {
    return { ...category, mixedProblems: null, told: 'unknown', by: [], missing: describeSize(category, 'in the class') };
  }
  const asked = target.measures.filter(({ within }) => within.value !== null);
  if (asked.length === 0) {
    const [first] = target.measures.filter(({ positives, negatives }) => positives + negatives > 0);
    const { mixedProblems, missing } = first ?? target.measures[0]!;
    return { ...category, mixedProblems, told: 'unknown', by: [], missing };
  }
  const mixedProblems = Math.min(...asked.map((area) => area.mixedProblems));
  const by = asked.filter(({ adjustedP }) => adjustedP !== null && adjustedP <= LEVEL).map(({ measure }) => measure);
  return { ...category, mixedProblems, told: by.length > 0 ? 'yes' : 'not_shown', by, missing: null };
}

/** The distinct programs of a kind at one end of the similarity; `direction` 1: the least similar first. Equal ones in the samples' order. */
function disagreements(rows: readonly MeasuredRow[], isOfKind: (row: Row) => boolean, direction: 1 | -1): Disagreement[] {
  const found = new Map<number, { readonly row: MeasuredRow; readonly similarity: number; samples: number }>();
  for (const row of rows) {
    const similarity = row.measures[DISAGREEMENT_MEASURE];
    if (!isOfKind(row) || similarity === null) continue;
    const known = found.get(row.program);
    if (known === undefined) found.set(row.program, { row, similarity, samples: 1 });
    else known.samples++;
  }
  return [...found.values()]
    .sort((a, b) => direction * (a.similarity - b.similarity))
    .slice(0, DISAGREEMENTS)
    .map(({ row: { taskId, sampleIndex, outcome, categoryCode, categoryName }, similarity, samples }) => ({
      taskId,
      sampleIndex,
      outcome,
      categoryCode,
      categoryName,
      similarity,
      samples,
    }));
}

function programCounts(rows: readonly Row[], bootstrap: Bootstrap): ProgramCounts {
  /** Of each problem, the programs among some rows. */
  const programsOf = (own: readonly Row[]): Float64Array => {
    const counts = new Float64Array(bootstrap.size);
    const seen = new Set<number>();
    for (const { problem, program } of own) {
      if (seen.has(program)) continue;
      seen.add(program);
      counts[problem]!++;
    }
    return counts;
  };
  const all = programsOf(rows);
  return {
    samples: rows.length,
    programs: sum(all),
    outcomes: OUTCOME_ORDER.map((outcome) => {
      const own = rows.filter((row) => row.outcome === outcome);
      const counts = programsOf(own);
      return { outcome, samples: own.length, programs: sum(counts), share: bootstrap.ratio(counts, all) };
    }),
  };
}
