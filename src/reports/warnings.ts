/**
 * Where a report has too little to say what it seems to say: one row a rule, with the number from which on it is silent, the reason and where that
 * comes from. Shown at the claim. Changes no number and leaves none out; what cannot be computed at all is left out where it is computed.
 */
import type { CategoryShare, ClaimPlace, ReportData, ReportWarning } from './report-data.js';
import { percent, plural, whole } from './render/format.js';

/** A report before its warnings. */
export type Claims = Omit<ReportData, 'warnings'>;

interface WarningRule {
  /** The rule's name in `report.json`. */
  readonly rule: string;
  /** The part of the report that makes the claim. */
  readonly at: ClaimPlace;
  /** Why the claim is weak there. */
  readonly reason: string;
  readonly source: string;
  /** What is the case, as sentences; none where the rule has nothing to say. */
  readonly check: (data: Claims) => readonly string[];
}

/** Problems from which on a bootstrap over them is trusted. */
export const ENOUGH_PROBLEMS = 20;
/** Why fewer are too few. */
export const FEW_PROBLEMS = {
  reason: 'resampling few clusters gives intervals that are too narrow',
  source: 'Cameron, Gelbach and Miller 2008, Review of Economics and Statistics 90(3)',
} as const;
/** Failures of a category from which on its share is. */
const ENOUGH_FAILURES = 5;
/** Problems that a category must occur in. */
const ENOUGH_PROBLEMS_OF_CATEGORY = 5;
/** Samples on either side of an area under the curve. */
const ENOUGH_FOR_AREA = 50;
/** Failures by which feasibility is decided. */
const ENOUGH_FOR_DECISION = 50;
/** Shares of samples that may be near a limit, and without a verdict. */
const MOST_NEAR_LIMIT = 0.01;
const MOST_UNJUDGED = 0.01;

/** Values from which on a quartile is between the smallest and the largest at 95 %: 0.75^13 is below 0.025. */
const ENOUGH_FOR_QUARTILES = 13;
const QUARTILE_REASON =
  'with fewer than thirteen values, a quartile need not even lie between the smallest and the largest of them at 95 %';
const QUARTILE_SOURCE = 'David and Nagaraja 2003, Order Statistics, section 7.1: distribution-free intervals of quantiles';

export const WARNING_RULES: readonly WarningRule[] = [
  {
    rule: 'few_problems',
    at: 'overview',
    ...FEW_PROBLEMS,
    check: (data) => {
      const n = countedProblems(data);
      if (n >= ENOUGH_PROBLEMS || !isResampled(data)) return [];
      return [`Intervals by bootstrap are over ${plural(n, 'problem')}: with fewer than ${ENOUGH_PROBLEMS} they are too narrow.`];
    },
  },
  {
    rule: 'not_resampled',
    at: 'overview',
    reason: 'where no resample gives another rate, Wilson’s interval over the problems stands in: it takes each problem for one trial',
    source: 'Wilson 1927, Journal of the American Statistical Association 22(158)',
    check: (data) => {
      const n = countedProblems(data);
      if (n === 0 || n >= ENOUGH_PROBLEMS || isResampled(data)) return [];
      return [
        `Intervals are Wilson’s over ${plural(n, 'problem')}, as resampling problems varies no rate here: they are wide, and say little.`,
      ];
    },
  },
  {
    rule: 'equal_samples',
    at: 'overview',
    reason: 'equal programs are one draw: more samples of a problem add nothing',
    source: 'Chen et al. 2021, arXiv:2107.03374, section 2.1: pass@k is about independent samples',
    check: ({ textView, counts, problems }) => {
      const n = problems.filter(({ samples }) => samples > 0).length;
      if (textView === null || counts.counted <= n || textView.programs.programs > n) return [];
      return [`All samples of each problem are the same program: ${plural(counts.counted, 'sample')} are worth ${whole(n)}.`];
    },
  },
  {
    rule: 'unjudged',
    at: 'overview',
    reason: 'samples without a verdict need not be like the others; without an assumption only bounds can be given',
    source: 'Manski 1990, American Economic Review 80(2)',
    check: ({ counts }) => {
      const missing = counts.infra - counts.unsupported;
      const all = counts.counted + missing;
      if (missing <= all * MOST_UNJUDGED) return [];
      const bounds = `${percent(counts.passed / all)} and ${percent((counts.passed + missing) / all)}`;
      return [`${plural(missing, 'sample')} have no verdict: whatever they are, the pass rate is between ${bounds}.`];
    },
  },
  {
    rule: 'near_limit',
    at: 'outcomes',
    reason: 'such samples pass or fail by the limit and the machine, not by the program alone',
    source: 'the limits of the experiment, and the second run at three times those',
    check: ({ counts }) => {
      if (counts.nearLimit <= counts.counted * MOST_NEAR_LIMIT) return [];
      const share = percent(counts.nearLimit / counts.counted);
      return [
        `${plural(counts.nearLimit, 'sample')} (${share}) met a time limit and finished at three times it: other limits give other shares.`,
      ];
    },
  },
  {
    rule: 'rare_category',
    at: 'categories',
    reason: 'with counts below five, neither the interval nor the order of categories says much',
    source: 'Cochran 1954, Biometrics 10(4)',
    check: ({ categories }) => {
      const rare = categories.filter(({ count }) => count < ENOUGH_FAILURES);
      return rare.length === 0
        ? []
        : [`Fewer than ${ENOUGH_FAILURES} failures: ${codesOf(rare)}. Their shares and their order say little.`];
    },
  },
  {
    rule: 'category_of_few_problems',
    at: 'categories',
    reason: 'failures of one problem resemble each other, so that their number is no measure of how common they are elsewhere',
    source: 'Cameron, Gelbach and Miller 2008, Review of Economics and Statistics 90(3)',
    check: ({ categories }) => {
      const few = categories.filter(({ count, problems }) => count >= ENOUGH_FAILURES && problems < ENOUGH_PROBLEMS_OF_CATEGORY);
      if (few.length === 0) return [];
      return [`From fewer than ${ENOUGH_PROBLEMS_OF_CATEGORY} problems: ${codesOf(few)}. Their intervals are too narrow.`];
    },
  },
  {
    rule: 'few_failures',
    at: 'feasibility',
    reason: 'at a share of 0.7 the 95 % interval of fifty independent failures is 0.13 wide to either side, and these are not independent',
    source: 'Wilson 1927, Journal of the American Statistical Association 22(158)',
    check: ({ counts }) => {
      if (counts.failed === 0 || counts.failed >= ENOUGH_FOR_DECISION) return [];
      return [
        `Decided by ${plural(counts.failed, 'failure')}: with fewer than ${ENOUGH_FOR_DECISION} a decision may turn with the next run.`,
      ];
    },
  },
  {
    rule: 'k_beyond_samples',
    at: 'pass_at_k',
    reason: 'the unbiased estimator of pass@k needs at least k samples of a problem',
    source: 'Chen et al. 2021, arXiv:2107.03374, section 2.1',
    check: ({ omittedK }) =>
      omittedK.map(({ k, most }) => `pass@${k} needs ${k} samples of a problem; there are at most ${whole(most)}: left out.`),
  },
  {
    rule: 'pass_at_k_of_some',
    at: 'pass_at_k',
    reason: 'values of k over different problems cannot be compared with each other',
    source: 'Chen et al. 2021, arXiv:2107.03374, section 2.1',
    check: ({ passAtK, problems }) => {
      const n = problems.filter(({ samples }) => samples > 0).length;
      return passAtK
        .filter((row) => row.problems < n)
        .map((row) => `pass@${row.k} is over ${whole(row.problems)} of ${plural(n, 'problem')}: the others have fewer samples.`);
    },
  },
  {
    rule: 'few_for_area',
    at: 'text_view',
    reason: 'the standard error of an area of 0.7 between two classes of fifty is 0.05, independent samples taken for granted',
    source: 'Hanley and McNeil 1982, Radiology 143(1)',
    check: ({ textView }) => {
      const few = (textView?.targets ?? []).filter(({ against, measures }) => against === 'rest' && measures.some(isFew));
      if (few.length === 0) return [];
      const names = few.map(({ kind, code }) => (kind === 'category' ? (code ?? 'without a category') : kind));
      return [
        `Fewer than ${ENOUGH_FOR_AREA} samples in the class or beside it: ${names.join(', ')}. Their areas are uncertain by 0.1 and more.`,
      ];
    },
  },
  {
    rule: 'few_programs',
    at: 'programs',
    reason: 'with counts below five, neither the interval nor the order of shares says much',
    source: 'Cochran 1954, Biometrics 10(4)',
    check: ({ analyses }) => {
      const few = (analyses?.programs.categories ?? []).filter(({ programs }) => programs < ENOUGH_FAILURES);
      return few.length === 0
        ? []
        : [`Fewer than ${ENOUGH_FAILURES} distinct programs: ${codesOf(few)}. Their shares of programs say little.`];
    },
  },
  {
    rule: 'groups_of_few_problems',
    at: 'dependence',
    reason: 'resampling few clusters gives intervals that are too narrow, and one problem may make a group what it is',
    source: 'Cameron, Gelbach and Miller 2008, Review of Economics and Statistics 90(3)',
    check: ({ analyses }) =>
      (analyses?.distributions ?? [])
        // A problem is a group of one by its nature, and has no interval.
        .filter(({ dimension }) => dimension !== 'problem')
        .flatMap(({ dimension, unit, groups }) => {
          const few = groups.filter(({ problems }) => problems < ENOUGH_PROBLEMS_OF_CATEGORY);
          if (few.length === 0) return [];
          const names = few.map(({ value }) => value ?? 'not recorded').join(', ');
          return [
            `By ${dimension}, from fewer than ${ENOUGH_PROBLEMS_OF_CATEGORY} problems: ${names}${unit === null ? '' : ` ${unit}`}. Their rates and intervals say little.`,
          ];
        }),
  },
  {
    rule: 'rare_pairs',
    at: 'co_occurrence',
    reason: 'a lift is a ratio of counts: with one of them below five, the next run may double it',
    source: 'Cochran 1954, Biometrics 10(4)',
    check: ({ analyses }) => {
      const tags = analyses?.coOccurrence.tags ?? [];
      const rare = tags.filter(({ count }) => count < ENOUGH_FAILURES).length;
      if (rare === 0) return [];
      return [
        `${whole(rare)} of ${plural(tags.length, 'pair')} of category and tag ${rare === 1 ? 'has' : 'have'} fewer than ${ENOUGH_FAILURES} failures: their lifts say little.`,
      ];
    },
  },
  {
    rule: 'few_positions',
    at: 'failure_position',
    reason: QUARTILE_REASON,
    source: QUARTILE_SOURCE,
    check: ({ analyses }) => fewForQuartiles(analyses?.failurePosition),
  },
  {
    rule: 'few_divergences',
    at: 'first_divergence',
    reason: QUARTILE_REASON,
    source: QUARTILE_SOURCE,
    check: ({ analyses }) => fewForQuartiles(analyses?.firstDivergence),
  },
];

/** Every warning of a report, in the order of the rules. */
export function warningsOf(data: Claims): ReportWarning[] {
  return WARNING_RULES.flatMap(({ rule, at, reason, source, check }) => check(data).map((text) => ({ rule, at, text, reason, source })));
}

/** Problems with a sample that counts. */
function countedProblems({ problems }: Claims): number {
  return problems.filter(({ samples }) => samples > 0).length;
}

/** Whether any interval of the overview and the outcomes is by bootstrap. */
function isResampled({ passAtK, crashRate, outcomes }: Claims): boolean {
  return [crashRate, ...passAtK.map(({ estimate }) => estimate), ...outcomes.map(({ share }) => share)].some(
    ({ method }) => method === 'bca',
  );
}

function isFew({ pooled, positives, negatives }: { pooled: { value: number | null }; positives: number; negatives: number }): boolean {
  return pooled.value !== null && Math.min(positives, negatives) < ENOUGH_FOR_AREA;
}

/** Quartiles of too few values, of all failures or of categories. */
function fewForQuartiles(found: PositionTable | undefined): string[] {
  const few = (found?.categories ?? []).filter(({ position }) => position.count < ENOUGH_FOR_QUARTILES);
  return few.length === 0 ? [] : [`Quartiles of fewer than ${ENOUGH_FOR_QUARTILES} failures: ${codesOf(few)}. They say little.`];
}

interface PositionTable {
  readonly categories: readonly (Pick<CategoryShare, 'code'> & { readonly position: { readonly count: number } })[];
}

function codesOf(categories: readonly Pick<CategoryShare, 'code'>[]): string {
  return categories.map(({ code }) => code ?? 'without a category').join(', ');
}
