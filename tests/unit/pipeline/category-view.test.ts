/** Renaming, merging and switching off categories. */
import { describe, expect, it } from 'vitest';
import { createCategoryView } from '../../../src/pipeline/category-view.js';
import { CATEGORIES, categoryByCode } from '../../../src/taxonomy/categories.js';
import type { Evidence } from '../../../src/taxonomy/types.js';
import { evidence as failure, failed } from '../taxonomy/evidence.js';

const none = {
  'categories.rename': {} as Record<string, string>,
  'categories.merge': {} as Record<string, string>,
  'categories.off': [] as string[],
};
function evidence(assertionsPassed: number | null): Evidence {
  return failure(failed(), {
    measurements: { assertions: assertionsPassed === null ? null : { total: 5, passed: assertionsPassed, trials: null } },
  });
}
function apply(settings: Partial<typeof none>, code: string, passed: number | null = null) {
  const category = categoryByCode(code);
  const view = createCategoryView({ ...none, ...settings }, CATEGORIES);
  const { categoryCode, categoryName, outcome } = view.apply(
    { category, outcome: category.outcome, evidence: 'e', generation: null, rule: 'r', place: null, node: null, tags: [] },
    evidence(passed),
  );
  return [categoryCode, categoryName, outcome];
}

describe('createCategoryView', () => {
  it('changes nothing without settings', () => {
    for (const { code, name, outcome } of CATEGORIES) expect(apply({}, code)).toEqual([code, name, outcome]);
    expect(createCategoryView(none, CATEGORIES).categories).toEqual(CATEGORIES);
  });

  it('renames by code and by name', () => {
    const name = categoryByCode('4.1').name;
    expect(apply({ 'categories.rename': { '4.1': 'undefined' } }, '4.1')[1]).toBe('undefined');
    expect(apply({ 'categories.rename': { [name]: 'undefined' } }, '4.1')[1]).toBe('undefined');
  });

  it('merges, also through another merge, under the name of the last', () => {
    expect(apply({ 'categories.merge': { '4.1': '4.2', '4.2': '4.5' } }, '4.1')).toEqual(['4.5', categoryByCode('4.5').name, 'crash']);
  });

  it('counts a switched-off leaf as the residual one of its family', () => {
    expect(apply({ 'categories.off': ['4.1'] }, '4.1')[0]).toBe('4.10');
    expect(apply({ 'categories.off': ['8.2'] }, '8.2', 3)[0]).toBe('8.11');
    expect(apply({ 'categories.off': ['8.2'] }, '8.2', 0)[0]).toBe('8.12');
  });

  it('lists only what is still told apart', () => {
    const { categories } = createCategoryView({ ...none, 'categories.merge': { '4.1': '4.2' }, 'categories.off': ['8.2'] }, CATEGORIES);
    expect(categories).toHaveLength(CATEGORIES.length - 2);
  });

  it.each([
    ['an unknown name', { 'categories.off': ['crash.name_eror'] }, /categories\.off: unknown category crash\.name_eror/],
    ['a merge across outcomes', { 'categories.merge': { '4.1': '8.2' } }, /4\.1 is crash and 8\.2 is wrong/],
    ['a circle', { 'categories.merge': { '4.1': '4.2', '4.2': '4.1' } }, /circle/],
    ['a name given twice', { 'categories.rename': { '4.1': categoryByCode('4.2').name } }, /already the name of 4\.2/],
    ['a leaf without a residual one', { 'categories.off': ['5.1'] }, /no residual leaf/],
  ])('refuses %s', (_, settings, message) => {
    expect(() => createCategoryView({ ...none, ...settings }, CATEGORIES)).toThrow(message);
  });
});
