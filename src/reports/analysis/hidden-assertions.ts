/**
 * pass@k on all assertions of the tests, and on those alone that the prompts do not show. Whatever reads a prompt's examples, leaf 8.10 or a
 * decoder, is scored by some of the same inputs again; the second rate is free of them. Pure. How one sample does on either kind is
 * `hidden-result.ts`'s.
 */
import type { AssertionMarks } from '../../store/types.js';
import { passEstimates, type PassCounts } from '../pass-estimates.js';
import type { Bootstrap, Estimate } from '../statistics/bootstrap.js';
import type { AnalysisRow } from './rows.js';

export interface HiddenAssertions {
  /** Of the experiment's problems with a sample that counts. */
  readonly problems: {
    readonly all: number;
    /** Whose assertions are marked; the others are in no number below. */
    readonly marked: number;
    /** Whose prompt shows an example. */
    readonly withExamples: number;
    /** With a visible assertion. */
    readonly withVisible: number;
    /** Without a hidden one: they are in no rate below. */
    readonly allVisible: number;
  };
  readonly assertions: { readonly total: number; readonly visible: number; readonly hidden: number };
  /** Counted samples of the problems with hidden assertions, which the rates are over. */
  readonly samples: number;
  readonly passed: number;
  /** No hidden assertion fails; those that pass all are among them. */
  readonly passedHidden: number;
  /** It cannot be known. They count as failing in `hidden`, and as passing in `hiddenAtMost`. */
  readonly unknown: number;
  /** For k = 1, 10 and the samples per problem, as far as there are enough. */
  readonly passAtK: readonly HiddenPass[];
  /** Samples of the problems that have both kinds, by how they do on each. */
  readonly table: {
    readonly both: number;
    readonly visibleOnly: number;
    readonly hiddenOnly: number;
    readonly neither: number;
    /** Unknown on one kind at least. */
    readonly unknown: number;
  };
  /** Why there is nothing to say; null where there is. */
  readonly missing: string | null;
}

export interface HiddenPass {
  readonly k: number;
  /** Problems with at least k samples. */
  readonly problems: number;
  readonly all: Estimate;
  readonly hidden: Estimate;
  readonly hiddenAtMost: Estimate;
}

/** @param bootstrap over the problems that the rows number, of which `taskIds` are the names */
export function hiddenAssertions(
  rows: readonly AnalysisRow[],
  taskIds: readonly string[],
  marks: readonly AssertionMarks[],
  bootstrap: Bootstrap,
): HiddenAssertions {
  const own = new Set(rows.map(({ problem }) => taskIds[problem]!));
  const known = marks.filter(({ taskId, total }) => own.has(taskId) && total !== null);
  const compared = rows.filter(({ split }) => split?.hidden != null);
  const count = (isCounted: (row: AnalysisRow) => boolean): number => compared.filter(isCounted).length;
  const isPass = ({ outcome }: AnalysisRow): boolean => outcome === 'pass';
  const isHiddenPass = ({ split }: AnalysisRow): boolean => split!.hidden === 'passed';
  const isUnknown = ({ split }: AnalysisRow): boolean => split!.hidden === 'unknown';
  const countsOf = (isPassing: (row: AnalysisRow) => boolean): PassCounts[] => {
    const counts = Array.from({ length: bootstrap.size }, () => ({ counted: 0, passed: 0 }));
    for (const row of compared) {
      counts[row.problem]!.counted++;
      if (isPassing(row)) counts[row.problem]!.passed++;
    }
    return counts;
  };
  const all = countsOf(isPass);
  const most = Math.max(0, ...all.map(({ counted }) => counted));
  const estimates = {
    all: passEstimates(all, bootstrap),
    hidden: passEstimates(countsOf(isHiddenPass), bootstrap),
    atMost: passEstimates(countsOf((row) => isHiddenPass(row) || isUnknown(row)), bootstrap), // prettier-ignore
  };
  const total = known.reduce((sum, each) => sum + each.total!, 0);
  const visible = known.reduce((sum, each) => sum + each.visible.length, 0);
  return {
    problems: {
      all: own.size,
      marked: known.length,
      withExamples: known.filter(({ examples }) => (examples ?? 0) > 0).length,
      withVisible: known.filter((each) => each.visible.length > 0).length,
      allVisible: known.filter((each) => each.visible.length === each.total).length,
    },
    assertions: { total, visible, hidden: total - visible },
    samples: compared.length,
    passed: count(isPass),
    passedHidden: count(isHiddenPass),
    unknown: count(isUnknown),
    passAtK: [...new Set([1, 10, most])]
      .filter((k) => k > 0 && k <= most)
      .sort((a, b) => a - b)
      .map((k) => {
        const { problems, estimate } = estimates.all(k);
        return { k, problems, all: estimate, hidden: estimates.hidden(k).estimate, hiddenAtMost: estimates.atMost(k).estimate };
      }),
    table: tableOf(compared),
    missing: missing(rows, marks, known),
  };
}

function tableOf(rows: readonly AnalysisRow[]): HiddenAssertions['table'] {
  const table = { both: 0, visibleOnly: 0, hiddenOnly: 0, neither: 0, unknown: 0 };
  for (const { split } of rows) {
    if (split?.visible == null) continue;
    const cell =
      split.visible === 'unknown' || split.hidden === 'unknown'
        ? 'unknown'
        : split.visible === 'passed'
          ? split.hidden === 'passed'
            ? 'both'
            : 'visibleOnly'
          : split.hidden === 'passed'
            ? 'hiddenOnly'
            : 'neither';
    table[cell]++;
  }
  return table;
}

function missing(rows: readonly AnalysisRow[], marks: readonly AssertionMarks[], known: readonly AssertionMarks[]): string | null {
  if (rows.length === 0) return 'no sample counts';
  if (known.length > 0) return null;
  return marks.length === 0
    ? 'assertions were not marked when these samples were executed; the run or import that made them marks them when it is repeated'
    : `no assertion could be marked: ${marks[0]!.missing ?? 'its problem has no sample'}`;
}
