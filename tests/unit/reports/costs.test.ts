/** Costs, counted by hand: equal programs of a problem run once, and what never ran cost nothing but tokens. */
import { describe, expect, it } from 'vitest';
import { ProblemCosts, totalCosts } from '../../../src/reports/costs.js';
import { difference } from '../../../src/reports/difference.js';
import { renderHtml } from '../../../src/reports/render/html.js';
import { reportJson } from '../../../src/reports/render/json.js';
import { TABLES } from '../../../src/reports/render/tables/index.js';
import { renderText } from '../../../src/reports/render/text.js';
import { summarise } from '../../../src/reports/summary.js';
import { verdict } from '../sandbox/verdicts.js';
import { analysedReport, CATEGORIES, EXPERIMENT, NO_PLOTS, sample } from './judged-samples.js';

const costly = (taskId: string, sampleIndex: number, completion: string, cpuSeconds: number) =>
  sample({ taskId, sampleIndex, completion, tokenCount: 7, drawSeconds: 0.5, verdict: verdict({ status: 'passed' }, { cpuSeconds, wallSeconds: 2 * cpuSeconds }) }); // prettier-ignore

const ROWS = [
  costly('A', 0, 'x', 0.25),
  costly('A', 1, 'y', 0.5),
  // The verdict of the first one, with its times.
  costly('A', 2, 'x', 0.25),
  // The same text is another program beside another prompt.
  costly('B', 0, 'x', 1),
  sample({ taskId: 'B', sampleIndex: 1, tokenCount: 3, drawSeconds: 0.25, outcome: 'generation', verdict: verdict({ status: 'not_run', reason: '' }, { cpuSeconds: 9, wallSeconds: 9 }) }), // prettier-ignore
  sample({
    taskId: 'B',
    sampleIndex: 2,
    tokenCount: 99,
    drawSeconds: 64,
    outcome: 'infra',
    verdict: verdict({ status: 'infra', reason: '' }),
  }),
];
const COSTS = { tokens: 31, drawSeconds: 2.25, executions: 3, cpuSeconds: 1.75, wallSeconds: 3.5 };

describe('costs', () => {
  it('of nothing are none', () => {
    expect(new ProblemCosts().costs(['A'])).toEqual({ tokens: 0, drawSeconds: 0, executions: 0, cpuSeconds: 0, wallSeconds: 0 });
  });

  it('stand in the report, on the page and on a terminal, and without times where a transcript is to stay true', () => {
    const data = summarise(EXPERIMENT, ROWS, { categories: CATEGORIES, resamples: 99 });
    expect(data.costs).toEqual(COSTS);
    expect(reportJson(data)['costs']).toEqual({ tokens: 31, draw_seconds: 2.25, executions: 3, cpu_seconds: 1.75, wall_seconds: 3.5 });
    expect(renderText(data)).toMatch(/^ {2}cost +31 tokens, 3 programs executed$/m);
    expect(renderText(data, { terminal: true })).toMatch(
      /3 programs executed\n +2\.25 s of drawing; executions: 1\.75 s of CPU time, 3\.50 s by the clock/,
    );
    const page = renderHtml(data, NO_PLOTS);
    const costs = page.replace(/\s+/g, ' ').split('id="costs">')[1]!;
    expect(costs).toMatch(/^ What that cost: 31 tokens drawn for 5 counted samples in 2\.25 s by the clock, and 3 programs executed/);
    expect(costs).toContain('in 1.75 s of CPU time and 3.50 s by the clock');
  });

  it('say nothing of drawing where not all samples were measured, rather than the time of some', () => {
    const rows = [...ROWS, sample({ taskId: 'C', drawSeconds: null })];
    const data = summarise(EXPERIMENT, rows, { categories: CATEGORIES, resamples: 99 });
    expect(data.costs.drawSeconds).toBeNull();
    expect(reportJson(data)['costs']).toMatchObject({ draw_seconds: null });
    expect(renderText(data, { terminal: true })).not.toContain('drawing');
    const page = renderHtml(data, NO_PLOTS);
    expect(page.replace(/\s+/g, ' ')).toContain('How long drawing took was not measured for all of them.');
    expect(totalCosts([data.costs, { ...COSTS }]).drawSeconds).toBeNull();
    expect(totalCosts([COSTS, COSTS]).drawSeconds).toBe(4.5);
    expect(totalCosts([]).drawSeconds).toBe(0);
  });

  it('stand beside the pass rate of each problem, and of each group of samples', () => {
    const rows = ROWS.map((each) => ({ ...each, difficulty: each.taskId === 'A' ? 1 : 2 }));
    const data = analysedReport(rows, { categories: CATEGORIES, resamples: 99 });
    const A = { tokens: 21, drawSeconds: 1.5, executions: 2, cpuSeconds: 0.75, wallSeconds: 1.5 };
    const B = { tokens: 10, drawSeconds: 0.75, executions: 1, cpuSeconds: 1, wallSeconds: 2 };
    expect(data.problems.map(({ costs }) => costs)).toEqual([A, B]);
    expect(data.analyses!.distributions.find(({ dimension }) => dimension === 'difficulty')!.groups.map(({ costs }) => costs)).toEqual([A, B]); // prettier-ignore
    for (const name of ['problems', 'by-difficulty']) {
      const table = TABLES.find((each) => each.name === name)!;
      const [head, ...lines] = table.csv(data).trimEnd().split('\r\n').map((line) => line.split(',')); // prettier-ignore
      const cells = ['crash', 'mean_tokens', 'executions', 'wall_seconds'].map((key) =>
        lines.map((line) => Number(line[head!.indexOf(key)])),
      );
      expect(cells, name).toEqual([[0, 0], [7, 5], [2, 1], [1.5, 2]]); // prettier-ignore
      expect(table.latex(data), name).toMatch(/ & crash.* & tokens & run & s\b/);
    }
    const page = renderHtml(data, NO_PLOTS).replace(/\s+/g, ' ');
    for (const id of ['problem-table', 'difficulty-table']) {
      const [shown] = page.split(`<table id="${id}">`)[1]!.split('</table>');
      for (const title of ['crash', 'mean tokens', 'programs executed', 'executions, by the clock']) expect(shown, id).toContain(title);
    }
    expect(page).toContain('1.50 s');
  });

  it('of a comparison are those of what is compared', () => {
    const { costs } = difference(ROWS, ROWS.slice(0, 2), { resamples: 99 });
    expect(costs).toEqual({
      first: { tokens: 21, drawSeconds: 1.5, executions: 2, cpuSeconds: 0.75, wallSeconds: 1.5 },
      second: { tokens: 14, drawSeconds: 1, executions: 2, cpuSeconds: 0.75, wallSeconds: 1.5 },
    });
  });
});
