/**
 * People's labels against each other and the classifier's leaves against theirs, as numbers. Pure; reads no file and formats nothing.
 *
 * Agreement between people is Cohen's kappa over the rows that both labelled, with an interval by bootstrap over problems. It is about the sheet,
 * in which rare leaves have more than their part, and not about all failures. Precision of a leaf is the share of its rows that people
 * label alike, with an interval by bootstrap over problems too: rows are distinct programs, but those of one problem fail alike. Precision overall is estimated for all failures of
 * the experiment: each row weighs what it stands for, by the separate ratio estimator (W. G. Cochran, "Sampling Techniques", 3rd ed. (1977), section 6.10), with an
 * interval by bootstrap over problems under these weights.
 */
import { Bootstrap, type Estimate } from '../statistics/bootstrap.js';
import { cohensKappa } from '../statistics/cohens-kappa.js';
import { familyOf } from './labels.js';
import type { KeyRow } from './sheet.js';
import { sum } from '../statistics/sum.js';

/** What somebody made of the key's rows: codes by id; rows without a label are absent. */
export interface Labels {
  /** Who, or the sheet's name. */
  readonly annotator: string;
  readonly codes: ReadonlyMap<string, string>;
}

export type Level = 'leaf' | 'family';

/** Kappa at one level of the tree. */
export interface Agreement {
  readonly level: Level;
  readonly kappa: Estimate;
  /** Share of rows with one label; null without rows. */
  readonly agreement: number | null;
}

/** A share of rows, each counting once. */
export interface Proportion extends Estimate {
  readonly rows: number;
  readonly right: number;
  /** That have one of the rows. */
  readonly problems: number;
}

/** Whose labels the classifier is held against: a person's, or those on which both agree. */
export interface Precision {
  readonly against: string;
  /** Rows compared. */
  readonly rows: number;
  /** Estimated for all failures that {@link covered} says, at both levels. */
  readonly overall: Readonly<Record<Level, Estimate>>;
  /** Share of all failures that are of leaves with a labelled row; below 1 the estimate is about these alone. */
  readonly covered: number;
  /** In the order of the tree; leaves without a labelled row have nulls. */
  readonly leaves: readonly (Proportion & { readonly code: string })[];
}

/** A disagreement, with the ids of its rows. */
export interface Confusion {
  readonly between: readonly [first: string, second: string];
  readonly first: string;
  readonly second: string;
  readonly ids: readonly string[];
}

export interface Score {
  readonly rows: number;
  readonly annotators: readonly { readonly name: string; readonly labelled: number; readonly missing: readonly string[] }[];
  /** Between two people; null for one. */
  readonly between: { readonly rows: number; readonly levels: readonly Agreement[] } | null;
  readonly precision: readonly Precision[];
  /** Most frequent first: classifier against each person, and people against each other. */
  readonly confusions: readonly Confusion[];
  readonly resamples: number;
  readonly confidence: number;
}

export const CLASSIFIER = 'classifier';
export const BOTH = 'both';

export interface ScoreOptions {
  /** Default 9,999. */
  readonly resamples?: number;
  readonly seed?: bigint;
}

/**
 * @param order codes of all leaves, in the tree's order
 * @param people one or two, with codes of `order` for ids of the key
 */
export function score(key: readonly KeyRow[], people: readonly Labels[], order: readonly string[], options: ScoreOptions = {}): Score {
  const problems = [...new Set(key.map(({ taskId }) => taskId))];
  const bootstrap = new Bootstrap(problems.length, options);
  const problemOf = new Map(problems.map((taskId, index) => [taskId, index]));
  const clusterOf = (row: KeyRow): number => problemOf.get(row.taskId)!;
  const [first, second] = people;
  const both: Labels | null =
    first === undefined || second === undefined
      ? null
      : { annotator: BOTH, codes: new Map([...first.codes].filter(([id, code]) => second.codes.get(id) === code)) };
  const classifier: Labels = { annotator: CLASSIFIER, codes: new Map(key.map(({ id, code }) => [id, code])) };
  const precisionOf = (labels: Labels, asked: readonly KeyRow[]): Precision => precision(key, labels, asked, order, bootstrap, clusterOf);
  const confused = [...people.map((each) => [classifier, each] as const), ...(both === null ? [] : [[first!, second!] as const])].flatMap(
    ([one, other]) => confusions(key, one, other, order),
  );
  return {
    rows: key.length,
    annotators: people.map(({ annotator, codes }) => ({
      name: annotator,
      labelled: key.filter(({ id }) => codes.has(id)).length,
      missing: key.flatMap(({ id }) => (codes.has(id) ? [] : [id])),
    })),
    between: both === null ? null : agreementOf(key, first!, second!, bootstrap, clusterOf),
    precision: [
      ...people.map((each) =>
        precisionOf(
          each,
          key.filter(({ id }) => each.codes.has(id)),
        ),
      ),
      ...(both === null
        ? []
        : [
            precisionOf(
              both,
              key.filter(({ id }) => first!.codes.has(id) && second!.codes.has(id)),
            ),
          ]),
    ],
    confusions: confused.sort((a, b) => b.ids.length - a.ids.length),
    resamples: bootstrap.resamples,
    confidence: bootstrap.confidence,
  };
}

function agreementOf(
  key: readonly KeyRow[],
  first: Labels,
  second: Labels,
  bootstrap: Bootstrap,
  clusterOf: (row: KeyRow) => number,
): NonNullable<Score['between']> {
  const rows = key.filter(({ id }) => first.codes.has(id) && second.codes.has(id));
  const levels = (['leaf', 'family'] as const).map((level): Agreement => {
    const labels = (of: Labels): string[] => rows.map(({ id }) => atLevel(of.codes.get(id)!, level));
    const [a, b] = [labels(first), labels(second)];
    const clusters = rows.map(clusterOf);
    const kappa = bootstrap.statistic((weights) => {
      const times = (list: readonly string[]): string[] => {
        const drawn: string[] = [];
        for (const [row, label] of list.entries()) for (let copy = weights[clusters[row]!]!; copy > 0; copy--) drawn.push(label);
        return drawn;
      };
      return cohensKappa(times(a), times(b)).value;
    });
    return { level, kappa, agreement: cohensKappa(a, b).agreement };
  });
  return { rows: rows.length, levels };
}

/**
 * @param asked rows that could have been right: those labelled, of which `labels` may lack some where two people differ. A leaf's weight goes to
 *   these rows, so that what nobody has labelled yet is made up for by the rest of its leaf, and what people differ on is not.
 */
function precision(
  key: readonly KeyRow[],
  labels: Labels,
  asked: readonly KeyRow[],
  order: readonly string[],
  bootstrap: Bootstrap,
  clusterOf: (row: KeyRow) => number,
): Precision {
  const weights = rowWeights(asked);
  const rows = asked.filter(({ id }) => labels.codes.has(id));
  const overall = (level: Level): Estimate => {
    const right = new Float64Array(bootstrap.size);
    const all = new Float64Array(bootstrap.size);
    for (const row of rows) {
      const weight = weights.get(row.id)!;
      all[clusterOf(row)]! += weight;
      if (atLevel(labels.codes.get(row.id)!, level) === atLevel(row.code, level)) right[clusterOf(row)]! += weight;
    }
    return bootstrap.ratio(right, all);
  };
  const sizes = new Map(key.map(({ code, stratumSamples }) => [code, stratumSamples]));
  const samplesOf = (codes: Iterable<string>): number => sum([...codes].map((code) => sizes.get(code)!));
  return {
    against: labels.annotator,
    rows: rows.length,
    overall: { leaf: overall('leaf'), family: overall('family') },
    covered: samplesOf(new Set(asked.map(({ code }) => code))) / samplesOf(sizes.keys()),
    leaves: order
      .filter((code) => sizes.has(code))
      .map((code) => {
        const right = new Float64Array(bootstrap.size);
        const all = new Float64Array(bootstrap.size);
        for (const row of rows.filter((each) => each.code === code)) {
          all[clusterOf(row)]!++;
          if (labels.codes.get(row.id) === code) right[clusterOf(row)]!++;
        }
        const problems = all.filter((count) => count > 0).length;
        return { code, rows: sum(all), right: sum(right), problems, ...bootstrap.ratio(right, all) };
      }),
  };
}

/** How many failures each of these rows stands for: its leaf's failures, in proportion to those with its program, which second copies share. */
export function rowWeights(rows: readonly KeyRow[]): Map<string, number> {
  const part = ({ programSamples, programDrawn }: KeyRow): number => programSamples / programDrawn;
  const parts = new Map<string, number>();
  for (const row of rows) parts.set(row.code, (parts.get(row.code) ?? 0) + part(row));
  return new Map(rows.map((row) => [row.id, (row.stratumSamples * part(row)) / parts.get(row.code)!]));
}

function confusions(key: readonly KeyRow[], one: Labels, other: Labels, order: readonly string[]): Confusion[] {
  const found = new Map<string, Confusion & { readonly ids: string[] }>();
  for (const { id } of key) {
    const [first, second] = [one.codes.get(id), other.codes.get(id)];
    if (first === undefined || second === undefined || first === second) continue;
    const at = `${first} ${second}`;
    const confusion = found.get(at) ?? { between: [one.annotator, other.annotator] as const, first, second, ids: [] };
    confusion.ids.push(id);
    found.set(at, confusion);
  }
  return [...found.values()].sort(
    (a, b) => order.indexOf(a.first) - order.indexOf(b.first) || order.indexOf(a.second) - order.indexOf(b.second),
  );
}

function atLevel(code: string, level: Level): string {
  return level === 'leaf' ? code : familyOf(code);
}
