/** The table of stages, and how they are chosen. */
import { describe, expect, it } from 'vitest';
import { FaultlineError } from '../../../../src/errors.js';
import { chooseStages, STAGES } from '../../../../src/pipeline/stages/index.js';

const names = (choice: Parameters<typeof chooseStages>[0]) => chooseStages(choice).map(({ name }) => name);

describe('the table', () => {
  it('has each stage after what it needs, under a name of its own', () => {
    STAGES.forEach(({ name, needs }, place) => {
      expect(STAGES.findIndex((row) => row.name === name)).toBe(place);
      for (const need of needs)
        expect(
          STAGES.slice(0, place).map((row) => row.name),
          `${name} needs ${need}`,
        ).toContain(need);
    });
    // One that runs beside another takes what that one makes.
    for (const { beside, needs } of STAGES) expect(!beside || needs.length > 0).toBe(true);
  });

  it('loads the work of each', async () => {
    for (const { load } of STAGES)
      expect((await load()).stage).toMatchObject({ there: expect.any(Function) as unknown, work: expect.any(Function) as unknown });
  });
});

describe('choosing', () => {
  it('is all, some in the order of the table, or one and those after it', () => {
    expect(names({})).toEqual(['generate', 'execute', 'classify', 'measure', 'report']);
    expect(names({ only: 'report, generate' })).toEqual(['generate', 'report']);
    expect(names({ only: 'execute,execute' })).toEqual(['execute']);
    expect(names({ from: 'classify' })).toEqual(['classify', 'measure', 'report']);
    expect(names({ from: 'generate' })).toEqual(names({}));
  });

  it.each([{ only: 'x' }, { only: '' }, { from: '' }, { from: 'classify,report' }, { only: 'report', from: 'report' }])(
    'refuses %j',
    (choice) => {
      expect(() => chooseStages(choice)).toThrow(FaultlineError);
    },
  );
});
