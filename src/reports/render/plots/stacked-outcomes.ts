/** Columns of outcomes one on the other, in one order and in the outcomes' colours: what plots of them share. Is no plot itself. */
import { OUTCOMES, type CountedOutcome } from '../../outcomes.js';
import { outcomeColour } from './palette.js';

/** A piece of a column, in data units: `from` to `to` up the column, `left` to `right` along the axis. */
interface Piece {
  readonly outcome: string;
  readonly from: number;
  readonly to: number;
  readonly left: number;
  readonly right: number;
}

/** One column's pieces, from the bottom; outcomes of size 0 have none. */
export function stackedOutcomes(
  present: readonly CountedOutcome[],
  sizeOf: (outcome: CountedOutcome) => number,
  { left, right }: Pick<Piece, 'left' | 'right'>,
): Piece[] {
  let bottom = 0;
  return present
    .filter((outcome) => sizeOf(outcome) > 0)
    .map((outcome) => {
      const from = bottom;
      bottom += sizeOf(outcome);
      return { outcome: OUTCOMES[outcome].label, from, to: bottom, left, right };
    });
}

/** The colour channel of such pieces, with its legend above the plot. */
export function outcomeChannel(present: readonly CountedOutcome[]): object {
  return {
    field: 'outcome',
    type: 'nominal',
    title: null,
    scale: { domain: present.map((outcome) => OUTCOMES[outcome].label), range: present.map(outcomeColour) },
    legend: { orient: 'top', direction: 'horizontal', symbolType: 'square', symbolSize: 110, columnPadding: 18, offset: 10 },
  };
}
