/** A histogram of ten bins along a sample, stacked by outcome: what the plots of positions share. Is no plot itself. */
import type { CategoryKey } from '../../analysis/rows.js';
import type { Spread } from '../../analysis/spread.js';
import { OUTCOME_ORDER, type CountedOutcome } from '../../outcomes.js';
import type { ReportData } from '../../report-data.js';
import { colour } from './palette.js';
import type { PlotSpec } from './render.js';
import { outcomeChannel, stackedOutcomes } from './stacked-outcomes.js';

interface Tenths extends Pick<PlotSpec, 'name' | 'description'> {
  readonly title: string;
  readonly categories: readonly (CategoryKey & { readonly position: Spread })[];
}

/** @param data the report, whose categories say which outcome each is of */
export function tenthsPlot({ categories: known }: ReportData, { name, description, title, categories }: Tenths): PlotSpec {
  const outcomes = new Map(known.map(({ code, outcome }) => [code, outcome]));
  const counts = new Map<CountedOutcome, number[]>();
  for (const { code, position } of categories) {
    const outcome = outcomes.get(code)!;
    const own = counts.get(outcome) ?? position.histogram.map(() => 0);
    counts.set(outcome, own.map((count, i) => count + position.histogram[i]!)); // prettier-ignore
  }
  const present = OUTCOME_ORDER.filter((outcome) => counts.has(outcome));
  const bins = categories[0]!.position.histogram.map((_, i) => i);
  const values = bins.flatMap((bin) =>
    stackedOutcomes(present, (outcome) => counts.get(outcome)![bin]!, { left: bin / bins.length, right: (bin + 1) / bins.length }),
  );
  return {
    name,
    description,
    spec: {
      width: 880,
      height: 260,
      autosize: { type: 'fit', contains: 'padding' },
      data: { values },
      mark: { type: 'rect', stroke: colour('paper'), strokeWidth: 1 },
      encoding: {
        x: {
          field: 'left',
          type: 'quantitative',
          title,
          scale: { domain: [0, 1], nice: false },
          axis: { grid: false, values: [0, 0.2, 0.4, 0.6, 0.8, 1], format: '.0%' },
        },
        x2: { field: 'right' },
        y: { field: 'from', type: 'quantitative', title: 'failures', axis: { tickCount: 5, format: ',d', tickMinStep: 1 } },
        y2: { field: 'to' },
        color: outcomeChannel(present),
      },
    },
  };
}
