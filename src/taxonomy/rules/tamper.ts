/** 7: evidence of a bypass. The sandbox decides what counts as such; odd but honest values are 8.3. */
import type { Rule } from './rule.js';
import { quote } from './rule.js';

export const tamper: Rule = ({ verdict: { outcome } }) => (outcome.status === 'tamper' ? quote(outcome.evidence) : null);
