/** Warnings: each rule speaks below its number and is silent at it, is shown at its claim everywhere, and says why and by whom. */
import { describe, expect, it } from 'vitest';
import { analysisText } from '../../../src/cli/analysis-text.js';
import { renderHtml } from '../../../src/reports/render/html.js';
import { reportJson } from '../../../src/reports/render/json.js';
import { renderText } from '../../../src/reports/render/text.js';
import type { ReportData, TextTarget } from '../../../src/reports/report-data.js';
import { summarise } from '../../../src/reports/summary.js';
import { WARNING_RULES, warningsOf } from '../../../src/reports/warnings.js';
import type { JudgedSample } from '../../../src/store/types.js';
import { analysed, analysedReport, CATEGORIES, EXPERIMENT, HOSTILE, judgedSamples, measuredSamples, NO_PLOTS, placed, sample, verdictOf } from './judged-samples.js'; // prettier-ignore

const summary = (rows: readonly JudgedSample[]): ReportData =>
  summarise(EXPERIMENT, rows, { categories: CATEGORIES, texts: measuredSamples(rows), resamples: 99 });
const texts = (data: ReportData, rule: string): string[] => data.warnings.filter((each) => each.rule === rule).map(({ text }) => text);

/** Passes and failures of 4.1: of `problems` problems, `samples` each, of which `failing` fail, all programs different. */
function ordinary(problems: number, samples: number, failing: number): JudgedSample[] {
  return Array.from({ length: problems * samples }, (_, i) => {
    const [taskId, sampleIndex] = [`T/${Math.floor(i / samples)}`, i % samples];
    const fails = sampleIndex < failing;
    return sample({
      taskId,
      sampleIndex,
      completion: `    return ${i}\n`,
      ...(fails ? { outcome: 'crash', categoryCode: '4.1', categoryName: 'crash.name_error' } : {}),
    });
  });
}

it('a large experiment has none', () => {
  expect(summary(ordinary(25, 20, 10)).warnings).toEqual([]);
});

it('each rule has a name of its own, a reason and a source', () => {
  expect(new Set(WARNING_RULES.map(({ rule }) => rule)).size).toBe(WARNING_RULES.length);
  for (const { reason, source } of WARNING_RULES) expect([reason.length > 20, source.length > 20]).toEqual([true, true]);
});

describe('rules', () => {
  it('few_problems: below 20 problems that have a counted sample', () => {
    // One problem fails less often than the others: resampling varies the rates.
    const uneven = (problems: number): JudgedSample[] => [...ordinary(problems - 1, 10, 5), ...ordinary(problems, 10, 1).slice(-10)];
    expect(texts(summary(uneven(20)), 'few_problems')).toEqual([]);
    expect(texts(summary(uneven(19)), 'few_problems')).toEqual([
      'Intervals by bootstrap are over 19 problems: with fewer than 20 they are too narrow.',
    ]);
    expect(texts(summary([]), 'few_problems')).toEqual([]);
  });

  it('not_resampled: where no interval is by bootstrap, and never beside few_problems', () => {
    const one = summary(ordinary(1, 10, 5));
    expect(one.crashRate.method).toBe('wilson');
    expect(texts(one, 'few_problems')).toEqual([]);
    expect(texts(one, 'not_resampled')).toEqual([
      'Intervals are Wilson’s over 1 problem, as resampling problems varies no rate here: they are wide, and say little.',
    ]);
    for (const data of [summary(ordinary(19, 10, 0)), summary(ordinary(20, 10, 0)), summary([])]) expect(texts(data, 'few_problems')).toEqual([]); // prettier-ignore
    expect(texts(summary(ordinary(19, 10, 0)), 'not_resampled')).toHaveLength(1);
    expect(texts(summary(ordinary(20, 10, 0)), 'not_resampled')).toEqual([]);
    expect(texts(summary([]), 'not_resampled')).toEqual([]);
    // Problems that differ in how often they pass.
    const few = summary([...ordinary(3, 10, 5), ...ordinary(4, 10, 1).slice(30)]);
    expect([texts(few, 'few_problems').length, texts(few, 'not_resampled').length]).toEqual([1, 0]);
  });

  it('equal_samples: where every problem has one program, and several samples of it', () => {
    const greedy = ordinary(20, 3, 0).map((each) => ({ ...each, completion: '    return 1\n' }));
    expect(texts(summary(greedy), 'equal_samples')).toEqual(['All samples of each problem are the same program: 60 samples are worth 20.']);
    expect(texts(summary([...greedy.slice(1), { ...greedy[0]!, completion: '    return 2\n' }]), 'equal_samples')).toEqual([]);
    expect(texts(summary(ordinary(20, 1, 0)), 'equal_samples')).toEqual([]);
    // Without measured texts nobody knows.
    expect(texts(summarise(EXPERIMENT, greedy, { categories: CATEGORIES, resamples: 99 }), 'equal_samples')).toEqual([]);
  });

  it('unjudged: more than one sample in a hundred has no verdict; problems that nobody can judge are no such samples', () => {
    const lost = (status: 'infra' | 'unsupported', count: number): JudgedSample[] =>
      Array.from({ length: count }, (_, sampleIndex) =>
        sample({ taskId: 'Lost/0', sampleIndex, outcome: 'infra', categoryCode: '0', verdict: verdictOf({ status, reason: '' }) }),
      );
    const judged = ordinary(20, 10, 5);
    expect(texts(summary([...judged, ...lost('infra', 50)]), 'unjudged')).toEqual([
      '50 samples have no verdict: whatever they are, the pass rate is between 40.0 % and 60.0 %.',
    ]);
    expect(texts(summary([...judged, ...lost('infra', 2)]), 'unjudged')).toEqual([]);
    expect(texts(summary([...judged, ...lost('unsupported', 50)]), 'unjudged')).toEqual([]);
  });

  it('near_limit: more than one counted sample in a hundred', () => {
    const near = (count: number): JudgedSample[] =>
      ordinary(20, 10, 5).map((each, i) => (i < count ? { ...each, verdict: verdictOf({ status: 'passed' }, true) } : each));
    expect(texts(summary(near(2)), 'near_limit')).toEqual([]);
    expect(texts(summary(near(3)), 'near_limit')).toEqual([
      '3 samples (1.5 %) met a time limit and finished at three times it: other limits give other shares.',
    ]);
  });

  it('rare_category and category_of_few_problems: below 5 failures, and below 5 problems', () => {
    const failing = (code: string, problems: number, each: number): JudgedSample[] =>
      ordinary(problems, each, each).map((row) => ({ ...row, taskId: `${code}/${row.taskId}`, categoryCode: code, categoryName: code }));
    const data = summary([...ordinary(20, 10, 5), ...failing('4.2', 4, 1), ...failing('4.4', 5, 1), ...failing('4.5', 4, 2)]);
    expect(texts(data, 'rare_category')).toEqual(['Fewer than 5 failures: 4.2. Their shares and their order say little.']);
    expect(texts(data, 'category_of_few_problems')).toEqual(['From fewer than 5 problems: 4.5. Their intervals are too narrow.']);
  });

  it('few_failures: below 50, and none where nothing failed', () => {
    expect(texts(summary(ordinary(50, 3, 1)), 'few_failures')).toEqual([]);
    expect(texts(summary(ordinary(49, 3, 1)), 'few_failures')).toEqual([
      'Decided by 49 failures: with fewer than 50 a decision may turn with the next run.',
    ]);
    expect(texts(summary(ordinary(49, 3, 0)), 'few_failures')).toEqual([]);
  });

  it('k_beyond_samples and pass_at_k_of_some: fewer samples than k, of all problems and of some', () => {
    expect(texts(summary(ordinary(20, 9, 5)), 'k_beyond_samples')).toEqual([
      'pass@10 needs 10 samples of a problem; there are at most 9: left out.',
    ]);
    expect(texts(summary(ordinary(20, 10, 5)), 'k_beyond_samples')).toEqual([]);
    expect(texts(summary(ordinary(20, 10, 5).slice(1)), 'pass_at_k_of_some')).toEqual([
      'pass@10 is over 19 of 20 problems: the others have fewer samples.',
    ]);
    expect(texts(summary(ordinary(20, 10, 5)), 'pass_at_k_of_some')).toEqual([]);
  });

  it('few_for_area: below 50 samples on either side, where there is an area', () => {
    const data = summary(ordinary(25, 20, 10));
    const sized = (positives: number, value: number | null): string[] => {
      const target = data.textView!.targets[0]!;
      const measures = target.measures.map((area) => ({ ...area, positives, negatives: 99, pooled: { ...area.pooled, value } }));
      const targets: TextTarget[] = [{ ...target, measures }];
      const claims = { ...data, textView: { ...data.textView!, targets } };
      return warningsOf(claims).filter(({ rule }) => rule === 'few_for_area').map(({ text }) => text); // prettier-ignore
    };
    expect(sized(49, 0.7)).toEqual(['Fewer than 50 samples in the class or beside it: pass. Their areas are uncertain by 0.1 and more.']);
    expect(sized(50, 0.7)).toEqual([]);
    // What was left out needs no warning: its reason stands there.
    expect(sized(10, null)).toEqual([]);
  });
});

describe('rules about analyses', () => {
  const of = (rows: readonly JudgedSample[], rule: string): string[] => texts(analysedReport(rows, { categories: CATEGORIES, resamples: 99 }), rule); // prettier-ignore

  /** The failing samples of `ordinary` fail at line 1 of 2, and have a tag. */
  const tagged = (problems: number, samples: number, failing: number): JudgedSample[] =>
    ordinary(problems, samples, failing).map((each) =>
      each.outcome === 'pass'
        ? each
        : { ...each, completion: `    x = 1\n${each.completion}`, place: { line: 2, column: null, range: null }, tags: ['a_tag'] },
    );

  it('few_programs: below five distinct programs of a category', () => {
    expect(of(ordinary(1, 10, 5), 'few_programs')).toEqual([]);
    expect(of(ordinary(1, 10, 4), 'few_programs')).toEqual(['Fewer than 5 distinct programs: 4.1. Their shares of programs say little.']);
    const equal = ordinary(6, 10, 1).map((each) => ({ ...each, taskId: 'T/0', sampleIndex: Number(each.taskId.slice(2)) * 10 + each.sampleIndex, completion: each.outcome === 'pass' ? each.completion : 'x' })); // prettier-ignore
    expect(of(equal, 'few_programs')).toHaveLength(1);
  });

  it('groups_of_few_problems: below five problems of a length or a difficulty, never of problems themselves', () => {
    const lengths = (problems: number): JudgedSample[] => ordinary(10, 4, 2).map((each) => ({ ...each, tokenCount: Number(each.taskId.slice(2)) < problems ? 10 : 20 })); // prettier-ignore
    expect(of(lengths(5), 'groups_of_few_problems')).toEqual([]);
    expect(of(lengths(4), 'groups_of_few_problems')).toEqual([
      'By length, from fewer than 5 problems: 0 to 15 tokens. Their rates and intervals say little.',
    ]);
    expect(of(lengths(0), 'groups_of_few_problems')).toEqual([]);
    const difficulty = ordinary(10, 4, 2).map((each) => ({ ...each, difficulty: each.taskId === 'T/3' ? 2 : 1 }));
    expect(of(difficulty, 'groups_of_few_problems')).toEqual([
      'By difficulty, from fewer than 5 problems: 2. Their rates and intervals say little.',
    ]);
  });

  it('rare_pairs: below five failures with a tag', () => {
    expect(of(tagged(1, 10, 5), 'rare_pairs')).toEqual([]);
    expect(of(tagged(1, 10, 4), 'rare_pairs')).toEqual([
      '1 of 1 pair of category and tag has fewer than 5 failures: their lifts say little.',
    ]);
  });

  it('few_positions and few_divergences: below thirteen failures of a category', () => {
    expect(of(tagged(1, 26, 13), 'few_positions')).toEqual([]);
    const [text] = of(tagged(1, 26, 12), 'few_positions');
    expect(text).toBe('Quartiles of fewer than 13 failures: 4.1. They say little.');
    // Of six samples, no two of a problem have the tokens of another.
    expect(of(tagged(5, 6, 3), 'few_divergences')).toEqual([]);
    expect(of(tagged(4, 6, 3), 'few_divergences')).toEqual([text]);
    expect(of(ordinary(1, 10, 0), 'few_divergences')).toEqual([]);
  });
});

/** The parts that `run` prints. */
const SUMMARY: readonly string[] = ['overview', 'outcomes', 'categories', 'feasibility', 'pass_at_k'];

describe('are shown at the claim', () => {
  const rows = placed([
    ...judgedSamples(12, 8),
    sample({ taskId: 'X/1', outcome: 'crash', categoryCode: `4.1:${HOSTILE.image}`, categoryName: 'x' }),
  ]);
  const options = { categories: CATEGORIES, texts: measuredSamples(rows), resamples: 99 };
  const data = analysedReport(rows, options);

  it('of every part that has one here', () => {
    expect(new Set(data.warnings.map((each) => each.at))).toEqual(
      new Set([...Object.keys(at)].filter((place) => place !== 'outcomes' && place !== 'feasibility')),
    );
    // What `analyze` prints has those of its parts, in lines that fit.
    const text = analysisText(analysed(rows, options));
    const flat = text.replace(/\n {4}(?=\S)/g, ' ');
    const own = data.warnings.filter((each) => ['programs', 'dependence', 'co_occurrence', 'failure_position', 'first_divergence'].includes(each.at)); // prettier-ignore
    expect(own.length).toBeGreaterThan(4);
    for (const warning of own.filter((each) => !each.text.includes('4.1:'))) expect(flat).toContain(`  ! ${warning.text}`);
    expect(text).not.toContain('\u001b');
  });

  const at = {
    overview: 'overview',
    outcomes: 'outcomes',
    categories: 'taxonomy',
    feasibility: 'taxonomy',
    pass_at_k: 'pass-at-k',
    text_view: 'text-view',
    programs: 'assertions',
    dependence: 'dependence',
    co_occurrence: 'dependence',
    failure_position: 'positions',
    first_divergence: 'positions',
  };

  it('on the page, in the section of the claim, with reason and source', () => {
    const page = renderHtml(data, NO_PLOTS);
    expect(data.warnings.length).toBeGreaterThan(4);
    for (const warning of data.warnings) {
      const section =
        warning.at === 'overview'
          ? /<header>[^]*?<\/header>/.exec(page)![0]
          : new RegExp(`<section id="${at[warning.at]}">[^]*?</section>`).exec(page)![0];
      expect(section, warning.rule).toContain(`data-rule="${warning.rule}"`);
      expect(section).toContain(warning.source);
    }
    expect(page).not.toMatch(/<img/);
  });

  it('in the text, in lines of 80 characters', () => {
    const text = renderText(data);
    const flat = text.replace(/\n {4}(?=\S)/g, ' ');
    for (const warning of data.warnings.filter((each) => SUMMARY.includes(each.at) && !each.text.includes('4.1:'))) {
      expect(flat).toContain(`  ! ${warning.text}`);
    }
    expect(text.split('\n').every((line) => line.length <= 80)).toBe(true);
  });

  it('in the JSON', () => {
    expect((reportJson(data) as { warnings: unknown }).warnings).toEqual(data.warnings);
  });
});
