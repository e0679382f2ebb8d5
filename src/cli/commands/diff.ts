/** `faultline diff`: what differs between two stored experiments. The numbers are `reports/difference.ts`'s. */
import type { Command } from 'commander';
import type { ComparedExperiments } from '../../pipeline/diff.js';
import type { Difference, RateRow } from '../../reports/difference.js';
import { COSTS } from '../../reports/render/costs.js';
import { kindsText } from '../../reports/render/failure-kinds.js';
import { decimal, NO_VALUE, percent, plural, points, pointsInterval, probability, whole } from '../../reports/render/format.js';
import { shorten, visibleLine } from '../../reports/render/visible.js';
import { configOf, finishDefinition, type Options, outputOf, textOf, withProgress } from '../command.js';
import { warningText } from '../comparison-text.js';
import { addConfigFlags } from '../config-flags.js';
import { textTable } from '../text-table.js';

export function define(command: Command): void {
  command.argument('<first>', 'Name, hash or beginning of a hash of an experiment');
  command.argument('<second>', 'The same of the one to compare it with; every difference is second minus first');
  addConfigFlags(command, ['--outputs', '--db']);
  command.option('--second-db <file>', 'Database of the second one, where that is another');
  finishDefinition(command, {
    examples: [
      ['faultline diff pico-greedy pico-nucleus', 'two experiments of one database'],
      ['faultline diff 1f0c9a 77ab02 --json', 'by the beginnings of their hashes, as JSON'],
      ['faultline diff study study --db a.db --second-db b.db', 'of two databases'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'internal'],
  });
  command.action(async (first: string, second: string, { secondDb, ...options }: Options) => {
    const { values } = configOf(undefined, options);
    const output = outputOf(options);
    const { differenceJson, diffStored } = await import('../../pipeline/diff.js');
    const compared = await withProgress((progress) => diffStored(values, [first, second], textOf(secondDb), progress));
    output.result(differenceJson(compared), () => comparisonText(compared));
  });
}

function comparisonText({ first, second, settings, difference }: ComparedExperiments): string {
  const { problems, samples, pairs, changes } = difference;
  const name = (text: string): string => shorten(visibleLine(text), 40);
  const rest = [
    ...(problems.onlyFirst > 0 ? [`${plural(problems.onlyFirst, 'problem')} of the first alone`] : []),
    ...(problems.onlySecond > 0 ? [`${plural(problems.onlySecond, 'problem')} of the second alone`] : []),
    ...(problems.notJudged > 0 ? [`${plural(problems.notJudged, 'problem')} without a judged sample in one of them at least`] : []),
  ];
  const blocks = [
    `${name(first.name)} (${first.hash.slice(0, 12)}) and ${name(second.name)} (${second.hash.slice(0, 12)}): ` +
      `${plural(problems.compared, 'problem')} in both, ${plural(samples.first, 'sample')} and ${samples.second}` +
      (rest.length > 0 ? `; not compared: ${rest.join(', ')}` : ''),
    settings.length === 0
      ? 'asked for alike'
      : textTable(['setting', 'first', 'second'], settings.map((each) => [each.key, each.first, each.second])), // prettier-ignore
    rates('rate', difference.rates),
    costsText(difference.costs),
    hiddenText(difference.hiddenAssertions),
    programsText(difference),
    ...(difference.categories.length > 0 ? [rates('category', difference.categories)] : []),
    effectsText(difference),
    pairsText(pairs),
    ...difference.warnings.map(warningText),
    ...(changes.length > 0
      ? [
          textTable(
            ['problem', 'passes, first', 'second'],
            changes.map((each) => [
              each.taskId,
              `${each.first.passed}/${each.first.counted}`,
              `${each.second.passed}/${each.second.counted}`,
            ]),
          ),
        ]
      : []),
  ];
  return blocks.join('\n\n');
}

/** Whoever compares rates wants to know at what price. */
function costsText({ first, second }: Difference['costs']): string {
  return textTable(['cost', 'first', 'second'], COSTS.map(([name, text]) => [name, text(first), text(second)])); // prettier-ignore
}

function rates(title: string, rows: readonly RateRow[]): string {
  return textTable(
    [title, 'first', 'second', 'difference', '95 % interval', 'p', 'adjusted'],
    rows.map((row) => {
      const { value, p } = row.difference;
      return [
        row.title === null ? row.name : `${row.name} ${row.title}`,
        percent(row.first.share),
        percent(row.second.share),
        points(value),
        pointsInterval(row.difference),
        probability(p),
        probability(row.adjustedP),
      ];
    }),
  );
}

function hiddenText({ problems, samples, unknown, rates: rows, missing }: Difference['hiddenAssertions']): string {
  if (missing !== null) return `hidden assertions: ${missing}`;
  const head = `on hidden assertions: ${plural(problems, 'problem')} with some, ${plural(samples.first, 'sample')} and ${whole(samples.second)}`;
  const cut = unknown.first + unknown.second;
  const bound = cut === 0 ? '' : `; of ${whole(unknown.first)} and ${whole(unknown.second)} it cannot be known: they count as failing`;
  return `${head}${bound}\n${rates('rate', rows)}`;
}

function programsText({ programs: { first, second, rates: rows } }: Difference): string {
  return `distinct programs, ${whole(first)} and ${whole(second)}: their share of the samples, and what came of them\n${rates('rate', rows)}`;
}

function effectsText({ failures, passRates: { cliffsDelta: delta } }: Difference): string {
  return [
    `kinds of failure: ${kindsText(failures, 2)}`,
    `pass rates by problem: Cliff's delta ${signed(delta.value)}${delta.low === null || delta.high === null ? '' : ` (${signed(delta.low)} to ${signed(delta.high)})`}`,
  ].join('\n');
}

/** From -1 to 1. */
function signed(value: number | null): string {
  return value === null ? NO_VALUE : `${value < 0 ? '−' : '+'}${decimal(Math.abs(value), 2)}`;
}

function pairsText({ pairs, sameText, bothPass, onlyFirst, onlySecond, neither, mcnemar }: Difference['pairs']): string {
  if (pairs === 0) return 'no sample of one has its like in the other';
  const test = mcnemar === null ? '' : `; McNemar's mid-p ${probability(mcnemar.midP)}`;
  return (
    `${plural(pairs, 'pair')} of samples, ${sameText} with one text: both pass ${bothPass}, only the first ${onlyFirst}, ` +
    `only the second ${onlySecond}, neither ${neither}${test}`
  );
}
