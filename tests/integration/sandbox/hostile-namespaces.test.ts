/** The hostile suite (hostile-suite.ts) in tier namespaces, and that it has what it is to have. */
import { expect, it } from 'vitest';
import { hostile } from './fixtures.js';
import { NEXT, runHostileSuite } from './hostile-suite.js';

const python = process.env['FAULTLINE_TEST_PYTHON'];

it('has many cases, each outcome with its leaf', () => {
  expect(hostile.length).toBeGreaterThan(350);
  const told = hostile.flatMap(({ name, categories, before, landlock }) =>
    [...categories, before?.category, landlock?.category].map((category) => ({ name, category })),
  );
  expect(told.filter(({ category }) => category === null)).toEqual([]);
  // Nobody may choose between outcomes for nothing.
  expect(hostile.filter(({ outcomes, dependsOn }) => outcomes.length > 1 !== (dependsOn !== null)).map(({ name }) => name)).toEqual([]);
  expect(NEXT).toHaveLength(20);
});

const options = python === undefined ? {} : { python };
runHostileSuite({ title: 'as who runs the tests', asUser: false, isFollowed: true, options, reason: null });
