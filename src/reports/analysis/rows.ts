/**
 * The samples of one experiment as the analyses see them: a few numbers each, so that all of them fit into memory while their texts
 * and verdicts do not. Decides nothing about a sample.
 */
import type { AssertionMarks, JudgedSample } from '../../store/types.js';
import { linesOf } from '../../taxonomy/program-text.js';
import { compareCodes } from '../category-order.js';
import { sampleCosts, type SampleCosts } from '../costs.js';
import { outcomeOf, type CountedOutcome } from '../outcomes.js';
import { textDigest } from '../text-digest.js';
import { splitResult, type SplitResult } from './hidden-result.js';

/** A sample that counts: any but one of outcome `infra`. */
export interface AnalysisRow extends SampleCosts {
  /** Number of its problem, from 0, in the order of the problem file. */
  readonly problem: number;
  /** Number of its program: equal completions of one problem are one. */
  readonly program: number;
  readonly strategy: string;
  readonly outcome: CountedOutcome;
  /** Null for a pass that is not fragile, and for a failure that nobody could name. */
  readonly categoryCode: string | null;
  readonly categoryName: string | null;
  readonly tags: readonly string[];
  /** Leaf of family 1 found beside the category. */
  readonly generationCode: string | null;
  /** UTF-16 units of the completion. */
  readonly characters: number;
  /** Of the completion, up to its last one that is not blank; 0 where there is none. */
  readonly lines: number;
  /** Line of the completion at which it failed, from 1; 0 and below for a line of the prompt; null where no line is known. */
  readonly failingLine: number | null;
  /** Null where the problem's assertions are not marked. */
  readonly split: SplitResult | null;
}

export interface AnalysisProblem {
  readonly taskId: string;
  readonly difficulty: number | null;
}

/** Numbers of the programs of several experiments: equal completions of one problem are one program, whoever drew them. Keeps a digest of each. */
export class SharedPrograms {
  readonly #numbers = new Map<string, number>();

  numberOf(taskId: string, completion: string): number {
    const key = `${textDigest(completion)}${taskId}`;
    let number = this.#numbers.get(key);
    if (number === undefined) this.#numbers.set(key, (number = this.#numbers.size));
    return number;
  }
}

/** The rows of the samples that went by. */
export class AnalysisRows {
  readonly rows: AnalysisRow[] = [];
  readonly problems: AnalysisProblem[] = [];
  readonly #marks: ReadonlyMap<string, AssertionMarks>;
  readonly #shared: SharedPrograms | null;
  readonly #numbers = new Map<string, number>();
  /** Programs of the problem that was seen last: samples come problem by problem. */
  #own: { readonly problem: number; readonly programs: Map<string, number> } | null = null;
  #programs = 0;

  /**
   * @param marks those of the experiment; without a problem's, its samples have no `split`
   * @param shared numbers the programs together with those of other experiments; by default they are numbered alone
   */
  constructor(marks: readonly AssertionMarks[] = [], shared: SharedPrograms | null = null) {
    this.#shared = shared;
    this.#marks = new Map(marks.map((each) => [each.taskId, each]));
  }

  /** Takes note of samples while somebody else reads them. They come in the order of the problem file and by sample index. */
  *through(samples: Iterable<JudgedSample>): Generator<JudgedSample> {
    for (const sample of samples) {
      this.add(sample);
      yield sample;
    }
  }

  add(sample: JudgedSample): void {
    const outcome = outcomeOf(sample.outcome);
    const problem = this.#problemOf(sample);
    if (outcome === null || outcome === 'infra') return;
    const { completion, place, strategy, categoryCode, categoryName, tags, generationCode } = sample;
    this.rows.push({
      problem,
      program: this.#shared?.numberOf(sample.taskId, completion) ?? this.#programOf(problem, completion),
      strategy,
      outcome,
      categoryCode,
      categoryName,
      tags,
      generationCode,
      ...sampleCosts(sample),
      characters: completion.length,
      lines: writtenTo(completion),
      failingLine: place === null ? null : place.line - (linesOf(sample.prompt).length - 1),
      split: splitResult(sample.verdict, this.#marks.get(sample.taskId)),
    });
  }

  #problemOf({ taskId, difficulty }: JudgedSample): number {
    let number = this.#numbers.get(taskId);
    if (number === undefined) {
      this.#numbers.set(taskId, (number = this.problems.length));
      this.problems.push({ taskId, difficulty });
    }
    return number;
  }

  #programOf(problem: number, completion: string): number {
    if (this.#own?.problem !== problem) this.#own = { problem, programs: new Map() };
    let program = this.#own.programs.get(completion);
    if (program === undefined) this.#own.programs.set(completion, (program = this.#programs++));
    return program;
  }
}

/** The number of the last line that is not blank, from 1; 0 where all are. */
function writtenTo(text: string): number {
  const lines = linesOf(text);
  let count = lines.length;
  while (count > 0 && text.slice(lines[count - 1]!.start, lines[count - 1]!.end).trim() === '') count--;
  return count;
}

/** Numbers per problem, for a bootstrap over them: how many of `rows` satisfy `isCounted`. */
export function perProblem(
  rows: readonly AnalysisRow[],
  problems: number,
  isCounted: (row: AnalysisRow) => boolean = () => true,
): Float64Array {
  const counts = new Float64Array(problems);
  for (const row of rows) if (isCounted(row)) counts[row.problem]!++;
  return counts;
}

/** How many problems have one of `rows`. */
export function problemsOf(rows: readonly Pick<AnalysisRow, 'problem'>[]): number {
  return new Set(rows.map(({ problem }) => problem)).size;
}

/** A category of failures, as tables name it. */
export interface CategoryKey {
  readonly code: string | null;
  readonly name: string;
}

/** What has one key, in its order; the keys in the order in which they first occur. */
export function groupedBy<K, T>(items: Iterable<T>, keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const own = groups.get(key);
    if (own === undefined) groups.set(key, [item]);
    else own.push(item);
  }
  return groups;
}

/** The rows of each category of failures, by code. */
export function failuresByCategory<T extends Pick<AnalysisRow, 'outcome' | 'categoryCode' | 'categoryName'>>(
  rows: readonly T[],
): (CategoryKey & { readonly rows: readonly T[] })[] {
  const failed = rows.filter(({ outcome }) => outcome !== 'pass');
  return [...groupedBy(failed, ({ categoryCode }) => categoryCode)]
    .map(([code, own]) => ({ code, name: own[0]!.categoryName ?? code ?? 'without a category', rows: own }))
    .sort((a, b) => compareCodes(a.code, b.code));
}
