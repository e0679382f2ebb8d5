/** 0: a cause outside the sample: the sandbox, the problem's test, or a problem that cannot be judged by values. */
import type { Rule } from './rule.js';
import { quote } from './rule.js';

export const infra: Rule = ({ verdict: { outcome } }) =>
  outcome.status === 'infra' ? quote(outcome.reason) : outcome.status === 'unsupported' ? `unsupported: ${quote(outcome.reason)}` : null;
