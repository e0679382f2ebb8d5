/**
 * 8.9: there is a trait that the inputs of every failing assertion have and those of no passing one, and some assertion
 * passes; at most half of them fail, as what most inputs have is no corner. Assertions whose inputs are not known (loops) are
 * not asked, and neither are the prompt's examples.
 */
import type { InputTrait } from '../../sandbox/verdict.js';
import type { Rule } from './rule.js';
import { trialsOf } from './trials.js';

/** In the order in which the evidence names them where several explain the same failures. */
const TRAITS: readonly InputTrait[] = ['empty', 'zero', 'one', 'negative', 'duplicates'];

export const cornerCase: Rule = (evidence) => {
  const known = trialsOf(evidence).filter(({ visible }) => visible !== null);
  const failing = known.filter(({ held }) => !held);
  const passing = known.filter(({ held }) => held);
  if (failing.length === 0 || failing.length > passing.length) return null;
  const telling = TRAITS.filter(
    (trait) => failing.every(({ traits }) => traits.includes(trait)) && !passing.some(({ traits }) => traits.includes(trait)),
  );
  if (telling.length === 0) return null;
  return `fails on inputs with ${telling.join(', ')} only: ${failing.length} of ${known.length} assertions`;
};
