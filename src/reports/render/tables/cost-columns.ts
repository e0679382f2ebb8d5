/** What stands beside a rate of a few samples: what they cost. In print tokens of one sample, programs that ran, and seconds by the clock of these runs. */
import type { Costs } from '../../costs.js';
import { shortCount, shortSeconds } from '../costs.js';
import { decimal } from '../format.js';
import type { TableColumn } from './table.js';

interface Costly {
  /** Null without a counted sample. */
  readonly meanTokens: number | null;
  readonly costs: Costs;
}

export function costColumns<Row extends Costly>(): TableColumn<Row>[] {
  return [
    {
      key: 'mean_tokens',
      value: ({ meanTokens }) => meanTokens,
      print: { title: 'tokens', numeric: true, cell: ({ meanTokens }) => decimal(meanTokens, 1) },
    },
    { key: 'tokens', value: ({ costs }) => costs.tokens },
    { key: 'draw_seconds', value: ({ costs }) => costs.drawSeconds },
    {
      key: 'executions',
      value: ({ costs }) => costs.executions,
      print: { title: 'run', numeric: true, cell: ({ costs }) => shortCount(costs.executions) },
    },
    { key: 'cpu_seconds', value: ({ costs }) => costs.cpuSeconds },
    {
      key: 'wall_seconds',
      value: ({ costs }) => costs.wallSeconds,
      print: { title: 's', numeric: true, cell: ({ costs }) => shortSeconds(costs.wallSeconds) },
    },
  ];
}

/** For the caption. */
export const COST_COLUMNS =
  'tokens are drawn for a sample, on the average; run are programs executed, equal ones once, and s the seconds of that by the clock';
