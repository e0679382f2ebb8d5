/** 0: a cause outside the sample. */
import type { Rule } from './rule.js';
import { quote } from './rule.js';

export const infra: Rule = ({ verdict: { outcome } }) => (outcome.status === 'infra' ? quote(outcome.reason) : null);
