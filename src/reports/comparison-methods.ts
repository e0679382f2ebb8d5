/**
 * The methods paragraph of a comparison of strategies: what was compared, what was the same for all, and how it was tested. Every number and name comes from
 * the comparison and the first experiment's row; knows no markup. What a report says of one experiment is `methods.ts`'s.
 */
import type { Analysis } from './analysis/analysis.js';
import { isImported } from '../store/imported.js';
import { codePart, entryParts, type MethodsPart } from './methods.js';
import { plural, whole } from './render/format.js';
import { EXACT_PROBLEMS } from './statistics/problem-swaps.js';
import type { StrategyComparison } from './strategy-comparison.js';

/** The paragraph in parts, which follow each other without a space. Names in it are hostile text. */
export function comparisonMethodsParts(
  { report: { experiment } }: Pick<Analysis, 'report'>,
  comparison: StrategyComparison,
): MethodsPart[] {
  const { bySetting, against, tests } = comparison;
  const { experiments, problems, differing, intervals, tables } = bySetting;
  const samplesOf = (label: string): number => tables[0]!.groups.find((group) => group.experiments.includes(label))?.samples ?? 0;
  const changes = new Map(differing.map(({ key, values }) => [key, values]));
  // What differs is said with its values; the row of the first experiment speaks for all of the rest.
  const same = (key: string): boolean => !changes.has(key);
  return [
    `With faultline ${experiment.version} we compared ${plural(experiments.length, 'strategy', 'strategies')} on ${plural(problems.compared, 'problem')} that all of them have, with a sample that counts in each: `,
    ...experiments.flatMap(({ label, hash }, i): MethodsPart[] => [
      `${i === 0 ? '' : '; '}${label} (${plural(samplesOf(label), 'sample')}, experiment `,
      codePart(hash.slice(0, 12)),
      ')',
    ]),
    '. ',
    ...(differing.length === 0
      ? ['They were asked for alike. ']
      : [
          'They differ in ',
          ...differing.flatMap(({ key, values }, i): MethodsPart[] => [
            i === 0 ? '' : '; ',
            codePart(key),
            ` (${values.map((value) => (value === '' ? 'none' : value)).join(', ')})`,
          ]),
          '. ',
        ]),
    same('seed')
      ? `All have the seed ${experiment.seed}, so that samples of one problem and index, where they are drawn, drew with the same random numbers. `
      : '',
    ...(same('modelHash') && !isImported(experiment) ? ['The model has the SHA-256 ', codePart(experiment.modelHash), '. '] : []),
    `Intervals of shares are ${intervals.confidence * 100} % BCa bootstrap intervals over problems (${whole(intervals.resamples)} resamples, seed ${intervals.seed}), Wilson’s where resampling cannot vary a rate. `,
    `Each strategy was set against ${against}: differences of rates have intervals by paired bootstrap over problems, and p-values by swaps of the two within problems (all arrangements where at most ${EXACT_PROBLEMS} problems differ, else ${whole(intervals.resamples)} draws), ` +
      `adjusted by Benjamini and Hochberg for the ${plural(tests.length, 'test')} of the table. `,
    'Whether failures are of other kinds was tested by chi-square of categories by strategy, for each pair and for all strategies in one table, with p-values by swapping or permuting ' +
      'strategies within problems, as failures of one problem are not independent, and with Cramér’s V by Bergsma’s correction as the size; these p-values are not adjusted. ',
    'Where strategies have unequal numbers of samples of a problem, swaps of rates are of what the problem adds to the difference, with the exact conditional test of hits within problems ' +
      'where that has the larger p-value, and kinds of failure are counted by shares of a problem’s samples. ',
    'Parameters that decide results and are the same for all: ',
    ...entryParts(experiment.config.filter(({ key }) => same(key))),
    '.',
  ];
}
