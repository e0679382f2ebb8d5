/** pass@k on all assertions beside pass@k on those that the prompts do not show; no row where no assertion is marked. */
import type { HiddenPass } from '../../analysis/hidden-assertions.js';
import { plural, whole } from '../format.js';
import { shareColumns } from './estimate.js';
import { passCostColumns, passCosts } from './pass-costs.js';
import { reportTable, untold } from './table.js';

export const hiddenAssertionsTable = reportTable<HiddenPass>({
  name: 'hidden-assertions',
  caption: (data) =>
    `pass@k on all assertions of the tests and on those alone that the prompts do not show, over ${plural(data.analyses?.hiddenAssertions.samples ?? 0, 'sample')}, ` +
    `with ${data.intervals.confidence * 100} % intervals by bootstrap over problems.${passCosts(data)}${untold(data.analyses?.hiddenAssertions.missing)}`,
  rows: ({ analyses }) => analyses?.hiddenAssertions.passAtK ?? [],
  columns: (data) => [
    { key: 'k', value: ({ k }) => k, print: { title: 'k', numeric: true, cell: ({ k }) => whole(k) } },
    ...shareColumns<HiddenPass>(
      ({ all }) => all,
      { value: 'all', low: 'all_low', high: 'all_high', method: 'all_interval_method', title: 'all' },
      data.intervals.confidence,
    ),
    ...shareColumns<HiddenPass>(
      ({ hidden }) => hidden,
      { value: 'hidden', low: 'hidden_low', high: 'hidden_high', method: 'hidden_interval_method', title: 'hidden' },
      data.intervals.confidence,
    ),
    // What it is at most where a sample ended before its hidden assertions were reached.
    { key: 'hidden_at_most', value: ({ hiddenAtMost }) => hiddenAtMost.value },
    { key: 'hidden_at_most_low', value: ({ hiddenAtMost }) => hiddenAtMost.low },
    { key: 'hidden_at_most_high', value: ({ hiddenAtMost }) => hiddenAtMost.high },
    {
      key: 'problems',
      value: ({ problems }) => problems,
      print: { title: 'problems', numeric: true, cell: ({ problems }) => whole(problems) },
    },
    ...passCostColumns<HiddenPass>(data),
  ],
});
