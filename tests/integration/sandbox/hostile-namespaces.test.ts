/** The hostile suite (hostile-suite.ts) in tier namespaces, and that it has what it is to have. */
import { expect, it } from 'vitest';
import { hostile } from './fixtures.js';
import { NEXT, runHostileSuite } from './hostile-suite.js';
import { obstacle, PYTHON } from './users.js';

const python = process.env['FAULTLINE_TEST_PYTHON'];

it('has many cases, each with its leaf', () => {
  expect(hostile.length).toBeGreaterThan(350);
  expect(hostile.filter(({ categories }) => categories.length === 0)).toEqual([]);
  expect(hostile.filter(({ landlock, landlockCategories }) => landlock.length > 0 && landlockCategories.length === 0)).toEqual([]);
  expect(NEXT).toHaveLength(20);
});

const options = python === undefined ? {} : { python };
runHostileSuite({ title: 'as who runs the tests', asUser: false, isFollowed: true, options, reason: null });
runHostileSuite({ title: 'as an ordinary user', asUser: true, isFollowed: false, options: { python: PYTHON }, reason: obstacle() });
