/** Whether a decision is residual by the tree's own leaves, as its stored rule says. */
import { describe, expect, it } from 'vitest';
import { categoryByCode } from '../../../src/taxonomy/categories.js';
import { classify } from '../../../src/taxonomy/classify.js';
import { isResidual } from '../../../src/taxonomy/residual.js';
import { GENERATION_RULES, RULES } from '../../../src/taxonomy/rules/index.js';
import { evidence, failed, raised } from './evidence.js';

const ROWS = [...Object.values(RULES).flat(), ...GENERATION_RULES];

describe('isResidual', () => {
  it.each(ROWS)('is what the leaf $code of the rule $name is', ({ code, name }) => {
    // Holds only while no rule serves a residual leaf and another one.
    expect(isResidual({ ...evidence(failed()), rule: name })).toBe(categoryByCode(code).residual);
  });

  it('decides again about a category of the config’s own', () => {
    const residual = evidence(raised('call', 'BufferError', 'no buffer'));
    expect(classify(residual).category?.code).toBe('4.10');
    expect(isResidual({ ...residual, rule: 'config:crash.buffer' })).toBe(true);
    expect(isResidual({ ...evidence(raised('call', 'NameError', "name 'x' is not defined")), rule: 'config:crash.x' })).toBe(false);
  });

  it('does not know a rule that is not there', () => {
    expect(isResidual({ ...evidence(failed()), rule: null })).toBeNull();
    expect(isResidual({ ...evidence(failed()), rule: 'of-another-version' })).toBeNull();
  });
});
