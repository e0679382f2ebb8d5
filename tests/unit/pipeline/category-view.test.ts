/** Renaming, merging and switching off categories. */
import { describe, expect, it } from 'vitest';
import type { CategoryRule } from '../../../src/config/category-rules.js';
import { createCategoryView } from '../../../src/pipeline/category-view.js';
import { CATEGORIES, categoryByCode } from '../../../src/taxonomy/categories.js';
import { classify } from '../../../src/taxonomy/classify.js';
import type { Evidence } from '../../../src/taxonomy/types.js';
import { evidence as failure, failed, raised } from '../taxonomy/evidence.js';

const none = {
  'categories.rename': {} as Record<string, string>,
  'categories.merge': {} as Record<string, string>,
  'categories.off': [] as string[],
  'categories.rules': [] as CategoryRule[],
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

  describe('added categories', () => {
    const rule = (fields: Partial<CategoryRule> = {}): CategoryRule => ({
      name: 'crash.list_index',
      over: ['4.5'],
      when: { message: ['/list (?:assignment )?index/'] },
      ...fields,
    });
    const decide = (settings: Partial<typeof none>, message: string, type = 'IndexError') => {
      const given = failure(raised('call', type, message));
      return createCategoryView({ ...none, ...settings }, CATEGORIES).apply(classify(given), given);
    };

    it('take the samples of their leaf for which the conditions hold, and no others', () => {
      const settings = { 'categories.rules': [rule()] };
      expect(decide(settings, 'list index out of range')).toMatchObject({
        categoryCode: '4.5:list_index',
        categoryName: 'crash.list_index',
        outcome: 'crash',
        rule: 'config:crash.list_index',
      });
      expect(decide(settings, 'string index out of range')).toMatchObject({ categoryCode: '4.5', rule: 'lookup-error' });
      expect(decide(settings, 'list index out of range', 'NameError')).toMatchObject({ categoryCode: '4.1' });
    });

    it('are asked in their order, before merges and leaves that are switched off', () => {
      const rules = [
        rule(),
        rule({ name: 'crash.any_index', over: ['4.1', '4.5'], when: { exception_type: ['LookupError', 'NameError'] } }),
      ];
      const settings = { 'categories.rules': rules, 'categories.merge': { '4.5': '4.2' }, 'categories.off': ['4.1'] };
      expect(decide(settings, 'list index out of range').categoryCode).toBe('4.5:list_index');
      expect(decide(settings, 'tuple index out of range').categoryCode).toBe('4.1:any_index');
      expect(decide(settings, '', 'NameError').categoryCode).toBe('4.1:any_index');
      expect(decide(settings, '', 'StopIteration').categoryCode).toBe('4.2');
    });

    it('are listed, say what they ask, and can be merged into', () => {
      const settings = { ...none, 'categories.rules': [rule()], 'categories.merge': { '4.2': 'crash.list_index' } };
      const view = createCategoryView(settings, CATEGORIES);
      const listed = view.categories.find(({ code }) => code === '4.5:list_index');
      expect(listed).toMatchObject({
        name: 'crash.list_index',
        outcome: 'crash',
        residual: false,
        published: categoryByCode('4.5').published,
      });
      expect(listed?.rule).toBe('of 4.5, by the config: message /list (?:assignment )?index/');
      expect(apply(settings, '4.2')[0]).toBe('4.5:list_index');
    });

    it.each([
      ['over what is not there', [rule({ over: ['4.55'] })], /categories\.rules: crash\.list_index is over an unknown category 4\.55/],
      ['over two outcomes', [rule({ over: ['4.5', '3.5'] })], /over 4\.5, which is crash, and 3\.5, which is load/],
      [
        'asking for a status that there is none of',
        [rule({ when: { status: ['crash'] } })],
        /asks for the status crash, which there is none of/,
      ],
      ['asking for an unknown tag', [rule({ when: { message: ['x'], tag: ['/^len/', 'near-limit'] } })], /asks for the tag near-limit/],
      ['named after another outcome', [rule({ name: 'load.list_index' })], /categories of the outcome crash/],
      ['named as a leaf', [rule({ name: 'crash.name_error' })], /category crash\.name_error already/],
      ['twice', [rule(), rule()], /category crash\.list_index already/],
    ])('are refused %s', (_, rules, message) => {
      expect(() => createCategoryView({ ...none, 'categories.rules': rules }, CATEGORIES)).toThrow(message);
    });
  });

  it('says what is set, in one way', () => {
    const settings = (given: Partial<typeof none>): unknown => JSON.parse(createCategoryView({ ...none, ...given }, CATEGORIES).settings);
    expect(settings({})).toEqual({});
    expect(settings({ 'categories.merge': { '8.11': '8.7' }, 'categories.off': ['4.1'] })).toEqual({
      'categories.merge': { '8.11': '8.7' },
      'categories.off': ['4.1'],
    });
    const text = (merge: Record<string, string>, off: string[]): string =>
      createCategoryView({ ...none, 'categories.merge': merge, 'categories.off': off }, CATEGORIES).settings;
    expect(text({ '8.11': '8.7', '8.12': '8.7' }, ['4.2', '4.1'])).toBe(text({ '8.12': '8.7', '8.11': '8.7' }, ['4.1', '4.2']));
  });

  it.each([
    ['an unknown name', { 'categories.off': ['crash.name_eror'] }, /categories\.off: unknown category crash\.name_eror/],
    ['a merge across outcomes', { 'categories.merge': { '4.1': '8.2' } }, /4\.1 is crash and 8\.2 is wrong/],
    ['a circle', { 'categories.merge': { '4.1': '4.2', '4.2': '4.1' } }, /circle/],
    ['a name given twice', { 'categories.rename': { '4.1': categoryByCode('4.2').name } }, /already the name of 4\.2/],
    ['a leaf without a residual one', { 'categories.off': ['5.1'] }, /no residual leaf/],
    ['a residual leaf', { 'categories.off': ['4.10'] }, /4\.10 is what the others of its family are counted as/],
  ])('refuses %s', (_, settings, message) => {
    expect(() => createCategoryView({ ...none, ...settings }, CATEGORIES)).toThrow(message);
  });
});
