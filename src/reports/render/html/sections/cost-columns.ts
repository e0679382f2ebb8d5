/** The columns of costs that stand beside rates in the page's tables, alike in all of them. */
import type { Costs } from '../../../costs.js';
import { decimal, seconds, whole } from '../../format.js';
import type { Column } from '../table.js';

/** What stands beside a rate of a few samples on the page. */
export function costColumns<Row extends { readonly meanTokens: number | null; readonly costs: Costs }>(): Column<Row>[] {
  return [
    {
      title: 'mean tokens',
      numeric: true,
      cell: ({ meanTokens }) => decimal(meanTokens, 1),
      sortBy: ({ meanTokens }) => meanTokens ?? -1,
    },
    { title: 'programs executed', numeric: true, cell: ({ costs }) => whole(costs.executions), sortBy: ({ costs }) => costs.executions },
    {
      title: 'executions, by the clock',
      numeric: true,
      cell: ({ costs }) => seconds(costs.wallSeconds),
      sortBy: ({ costs }) => costs.wallSeconds,
    },
  ];
}
