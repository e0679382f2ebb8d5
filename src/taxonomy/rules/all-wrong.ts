/** 8.12: no assertion is known to hold. Residual: what is left of 8. */
import type { Rule } from './rule.js';
import { quote } from './rule.js';

export const allWrong: Rule = ({ verdict: { outcome, measurements } }) => {
  if (outcome.status !== 'assertion') return null;
  const { returned, expected } = outcome.assertion;
  const values = returned === null ? '' : `: returned ${quote(returned)}${expected === null ? '' : `, expected ${quote(expected)}`}`;
  const measured = measurements.assertions;
  if (measured?.total === 0) return `the test fails, and has no assertion that could be tried alone${values}`;
  return measured === null
    ? `the first assertion fails, the others were not measured${values}`
    : `none of ${measured.total} assertions holds${values}`;
};
