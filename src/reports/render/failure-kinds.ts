/** Whether failures are of other kinds, as a line or a part of a sentence: on a terminal, on the page and below tables. The numbers are `statistics/category-swaps.ts`'s. */
import type { CategoryTest } from '../statistics/category-swaps.js';
import { decimal, decimalEstimate, plural, probability } from './format.js';

/**
 * Without a full stop.
 * @param methods how many were compared: two are swapped, more are permuted
 */
export function kindsText({ degrees, chiSquare, p, cramersV }: CategoryTest, methods: number): string {
  if (degrees === 0) return 'nothing to compare';
  return (
    `Cramér's V ${decimalEstimate(cramersV, 2)}, chi-square ${decimal(chiSquare, 1)} with ${plural(degrees, 'degree')} of freedom, ` +
    `p ${probability(p)} by ${methods === 2 ? 'swaps' : 'permuting them'} within problems, as failures of one problem are not independent`
  );
}
