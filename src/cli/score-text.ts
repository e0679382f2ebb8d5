/** How far people agree, and the classifier with them, for a terminal. The numbers are `reports/annotation/score.ts`'s. */
import type { Scored } from '../pipeline/score.js';
import { CLASSIFIER, type Confusion, type Proportion } from '../reports/annotation/score.js';
import { decimal, NO_VALUE, percent, percentInterval, plural } from '../reports/render/format.js';
import type { Estimate } from '../reports/statistics/bootstrap.js';
import type { Category } from '../taxonomy/types.js';
import { textTable } from './text-table.js';

const IDS = 10;
const CONFUSIONS = 15;

export function scoreText(scored: Scored, leaves: readonly Category[]): string {
  const title = (code: string): string => `${code.padEnd(4)} ${leaves.find((leaf) => leaf.code === code)?.name ?? ''}`;
  return [
    `draw ${scored.draw}: ${plural(scored.rows, 'row')} of ${plural(scored.failures, 'failure')}`,
    scored.annotators
      .map(
        ({ name, labelled, missing }) =>
          `  ${name}: ${labelled} labelled${missing.length === 0 ? '' : `; only these count. Without a label: ${some(missing)}`}`,
      )
      .join('\n'),
    ...agreement(scored),
    ...precision(scored, title),
    ...confusions(scored.confusions, title),
  ].join('\n\n');
}

function agreement({ annotators, between, confidence }: Scored): string[] {
  if (between === null) return [];
  const [first, second] = annotators;
  return [
    `agreement of ${first!.name} and ${second!.name} on ${plural(between.rows, 'row')} of the sheet, in which rare leaves have more than their part`,
    textTable(
      ['level', "Cohen's kappa", `${percentOf(confidence)} interval`, 'same label'],
      between.levels.map(({ level, kappa, agreement: same }) => [
        level,
        decimal(kappa.value, 3),
        kappa.low === null || kappa.high === null ? NO_VALUE : `${decimal(kappa.low, 3)} to ${decimal(kappa.high, 3)}`,
        percent(same),
      ]),
    ),
  ];
}

function precision({ precision: all, failures, confidence }: Scored, title: (code: string) => string): string[] {
  const whole = (estimate: Estimate): string => `${percent(estimate.value)}, ${percentInterval(estimate)}`;
  const part = ({ value, low, high, right, rows, problems }: Proportion): string =>
    value === null ? NO_VALUE : `${right}/${rows} of ${problems}: ${(low! * 100).toFixed(0)} to ${(high! * 100).toFixed(0)} %`;
  const uncovered = all.filter(({ covered }) => covered < 1);
  return [
    `how often the classifier is right, estimated for all ${plural(failures, 'failure')}, with ${percentOf(confidence)} intervals over problems`,
    textTable(
      ['against', 'rows', 'leaf', 'family'],
      all.map(({ against, rows, overall }) => [against, rows, whole(overall.leaf), whole(overall.family)]),
    ),
    ...uncovered.map(
      ({ against, covered }) =>
        `against ${against} the estimate is for ${percent(covered)} of the failures: the other leaves have no labelled row`,
    ),
    `by leaf: rows that people label so too, of rows with a label, of so many problems, with ${percentOf(confidence)} intervals over problems`,
    textTable(
      ['leaf', ...all.map(({ against }) => against)],
      all[0]!.leaves.map(({ code }, index) => [title(code), ...all.map(({ leaves }) => part(leaves[index]!))]),
    ),
  ];
}

function confusions(all: readonly Confusion[], title: (code: string) => string): string[] {
  if (all.length === 0) return ['nobody disagrees on any row'];
  const pairs = [...new Set(all.map(({ between }) => between.join(' and ')))];
  return pairs.flatMap((pair) => {
    const found = all.filter(({ between }) => between.join(' and ') === pair);
    const [first, second] = found[0]!.between;
    const rest = found.length > CONFUSIONS ? `, the ${CONFUSIONS} most frequent of ${found.length} kinds` : '';
    return [
      `where ${first === CLASSIFIER ? `the ${CLASSIFIER}` : first} and ${second} differ${rest}`,
      textTable(
        ['rows', first, second, 'which'],
        found.slice(0, CONFUSIONS).map((each) => [each.ids.length, title(each.first), title(each.second), some(each.ids)]),
      ),
    ];
  });
}

function some(ids: readonly string[]): string {
  return `${ids.slice(0, IDS).join(', ')}${ids.length > IDS ? ` and ${ids.length - IDS} more` : ''}`;
}

function percentOf(confidence: number): string {
  return `${Math.round(confidence * 100)} %`;
}
