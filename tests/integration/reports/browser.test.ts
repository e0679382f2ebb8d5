/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * The report page in a real browser: it draws what the summary says, asks the network for nothing, fits narrow screens, sorts, and
 * hostile text stays text. So does the page of a comparison of strategies. Skips, and says so, where no Chromium is found.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bySetting } from '../../../src/reports/analysis/by-setting.js';
import type { TwoShares } from '../../../src/reports/analysis/programs.js';
import { difference } from '../../../src/reports/difference.js';
import type { Estimate } from '../../../src/reports/statistics/bootstrap.js';
import { OUTCOMES } from '../../../src/reports/outcomes.js';
import type { ReportData } from '../../../src/reports/report-data.js';
import { percent, percentInterval, points, probability, whole } from '../../../src/reports/render/format.js';
import { strategyComparison } from '../../../src/reports/strategy-comparison.js';
import { COMPARISON_FILES, writeComparison } from '../../../src/reports/write-comparison.js';
import { writeReport } from '../../../src/reports/write-report.js';
import {
  CATEGORIES,
  EXPERIMENT,
  HOSTILE,
  analysed,
  analysedReport,
  hostileSample,
  judgedSamples,
  marksOf,
  measuredSamples,
  placed,
} from '../../unit/reports/judged-samples.js';

/** CHROMIUM_PATH where it is set, else the usual names on the PATH. */
function findChromium(): string | null {
  const given = process.env['CHROMIUM_PATH'];
  if (given !== undefined && given !== '') return given;
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find((path) => existsSync(path)) ?? null;
}

const executablePath = findChromium();
if (executablePath === null) console.warn('skipped: report page in a browser (no Chromium found; set CHROMIUM_PATH)');

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Numbers of samples and of programs with their shares, as a row of the page has them. */
function both({ samples, ofSamples, programs, ofPrograms }: TwoShares): string[] {
  return [whole(samples), percent(ofSamples.value), percentInterval(ofSamples), whole(programs), percent(ofPrograms.value), percentInterval(ofPrograms)]; // prettier-ignore
}

describe.skipIf(executablePath === null)('report page in a browser', () => {
  let folder: string;
  let context: BrowserContext | undefined;
  const samples = placed(judgedSamples(80, 20));
  const honest = analysedReport(samples, { categories: CATEGORIES, texts: measuredSamples(samples), resamples: 499 });
  const evil = [
    ...judgedSamples(6, 5),
    hostileSample({ sampleIndex: 21, outcome: 'pass', categoryCode: null, categoryName: null, tokenCount: 3 }),
    // Frequent enough to be printed in full.
    ...Array.from({ length: 20 }, (_, sampleIndex) => hostileSample({ sampleIndex })),
    hostileSample({ sampleIndex: 20, outcome: 'wrong', categoryCode: HOSTILE.svg, categoryName: HOSTILE.entity }),
  ];
  const hostile = analysedReport(placed(evil), {
    experiment: {
      ...EXPERIMENT,
      name: HOSTILE.script,
      cpu: HOSTILE.image,
      finishedAt: null,
      config: JSON.stringify({ [HOSTILE.svg]: HOSTILE.script }),
    },
    categories: CATEGORIES,
    texts: measuredSamples(evil),
    resamples: 499,
  });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'faultline-browser-'));
    await writeReport(join(folder, 'honest'), honest);
    await writeReport(join(folder, 'hostile'), hostile);
    // A profile of its own, so that a browser in use is left alone.
    context = await chromium.launchPersistentContext(join(folder, 'profile'), { executablePath: executablePath!, args: FLAGS });
  });

  afterAll(async () => {
    await context?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Where a page is; a comparison's is its own, and the others are reports. */
  const fileOf = (name: string): string => join(folder, name, name === 'comparison' ? 'comparison.html' : 'report.html');

  /** Opens a report, uses it, and checks that it asked the network for nothing and complained only of what is expected. */
  async function open(name: string, width: number, use: (page: Page) => Promise<void>, expected: readonly unknown[] = []): Promise<void> {
    const page = await context!.newPage();
    const complaints: string[] = [];
    const requests: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('dialog', (dialog) => complaints.push(dialog.message()));
    page.on('request', (request) => requests.push(request.url()));
    try {
      await page.setViewportSize({ width, height: 900 });
      const url = pathToFileURL(fileOf(name)).href;
      await page.goto(url);
      await use(page);
      expect(complaints).toEqual(expected);
      expect(requests).toEqual([url]);
    } finally {
      await page.close();
    }
  }

  /** Cell texts of a table's body. */
  function cells(page: Page, id: string): Promise<string[][]> {
    return page.$$eval(`#${id} tbody tr`, (rows) =>
      rows.map((row) => [...row.children].map((cell) => (cell as HTMLElement).innerText.trim())),
    );
  }

  it('shows the numbers of the summary in its tables', () =>
    open('honest', 1280, async (page) => {
      expect(await page.title()).toBe('pico-tasks: failure report');
      const categories = await cells(page, 'category-table');
      expect(categories).toHaveLength(honest.categories.length);
      expect(categories.map(([code, , , failures, share, interval, problems]) => [code, failures, share, interval, problems])).toEqual(
        honest.categories.map(({ code, count, share, problems }) => [
          code,
          whole(count),
          percent(share.value),
          percentInterval(share),
          whole(problems),
        ]),
      );
      const outcomes = await cells(page, 'outcome-table');
      expect(outcomes.map(([, samples, share, interval]) => [samples, share, interval])).toEqual(
        honest.outcomes.map(({ count, share }) => [whole(count), percent(share.value), percentInterval(share)]),
      );
      const pass = await cells(page, 'pass-table');
      expect(pass.map(([k, value, interval]) => [k, value, interval])).toEqual(
        honest.passAtK.map(({ k, estimate }) => [String(k), percent(estimate.value), percentInterval(estimate)]),
      );
      const problems = await cells(page, 'problem-table');
      expect(problems.map(([task, , samples, passes]) => [task, samples, passes])).toEqual(
        honest.problems.map(({ taskId, samples, passes }) => [taskId, whole(samples), whole(passes)]),
      );
    }));

  it('shows the text view’s numbers', () =>
    open('honest', 1280, async (page) => {
      const { targets, similarFailures } = honest.textView!;
      const two = (value: number | null): string => (value === null ? '–' : value.toFixed(2));
      const rows = await cells(page, 'text-table');
      const [pass, crash] = targets;
      expect(rows.map((row) => row.slice(2).map((cell) => cell.split(' ')[0]))).toEqual(
        pass!.measures.map((area, i) =>
          [area, crash!.measures[i]!].flatMap(({ pooled, within }) => [two(pooled.value), two(within.value)]),
        ),
      );
      // The categories' numbers open on request, and sort.
      await page.locator('#text-view details summary').click();
      const categories = targets.filter(({ kind, against }) => kind === 'category' && against === 'rest');
      const shown = await cells(page, 'category-areas-table');
      expect(shown.map((row) => [row[0], row[4]!.split(' ')[0]])).toEqual(
        categories.flatMap(({ code, measures }) => measures.map(({ within }) => [code, two(within.value)])),
      );
      await page.locator('#category-areas-table button.sort', { hasText: /^within/ }).click();
      const sorted = (await cells(page, 'category-areas-table')).map((row) => (row[4] === '–' ? -1 : Number(row[4]!.split(' ')[0])));
      expect(sorted).toEqual([...sorted].sort((a, b) => b - a));
      expect(await page.locator('#plot-text-view svg').count()).toBe(1);
      const similar = await cells(page, 'similar-table');
      expect(similar.map(([task, sample]) => [task, sample])).toEqual(similarFailures.map(({ taskId, sampleIndex }) => [taskId, String(sampleIndex)])); // prettier-ignore
    }));

  it('shows the analyses’ numbers, and draws them', () =>
    open('honest', 1280, async (page) => {
      const { hiddenAssertions, programs, distributions, coOccurrence, failurePosition, firstDivergence } = honest.analyses!;
      expect((await cells(page, 'hidden-table')).map((row) => [row[0], row[1], row[2], row[3], row[4]])).toEqual(
        hiddenAssertions.passAtK.map(({ k, all, hidden }) => [
          String(k), percent(all.value), percentInterval(all), percent(hidden.value), percentInterval(hidden)]), // prettier-ignore
      );
      expect(await cells(page, 'program-table')).toEqual(
        programs.outcomes.map(({ outcome, ...each }) => [OUTCOMES[outcome].label, ...both(each)]),
      );
      expect(await cells(page, 'program-category-table')).toEqual(
        programs.categories.map(({ code, name, ...each }) => [`${code} ${name}`, ...both(each)]),
      );
      for (const dimension of ['difficulty', 'length']) {
        const { groups } = distributions.find((each) => each.dimension === dimension)!;
        expect(groups.length).toBeGreaterThan(1);
        expect((await cells(page, `${dimension}-table`)).map(([value, count, , pass]) => [value, count, pass])).toEqual(
          groups.map(({ value, samples: count, pass }) => [value, whole(count), percent(pass.value)]),
        );
      }
      expect(await cells(page, 'tag-table')).not.toEqual([]);
      expect((await cells(page, 'pair-table')).map((row) => row[2])).toEqual(coOccurrence.problems.map(({ both: count }) => String(count)));
      for (const [table, plot, { position, categories }] of [
        ['position-table', 'failure-position', failurePosition],
        ['divergence-table', 'first-divergence', firstDivergence],
      ] as const) {
        expect((await cells(page, table)).map((row) => row[1])).toEqual([position, ...categories.map((each) => each.position)].map(({ count }) => whole(count))); // prettier-ignore
        // The bars of a bin stand on each other: their heights are as the bins' counts.
        const bars = await page.$$eval(`#plot-${plot} .mark-rect path`, (paths) =>
          paths.map((path) => path.getBoundingClientRect()).map(({ left, height }) => ({ left, height })),
        );
        const heights = new Map<number, number>();
        for (const { left, height } of bars) heights.set(Math.round(left), (heights.get(Math.round(left)) ?? 0) + height);
        const tallest = Math.max(...heights.values());
        const counts = position.histogram.filter((count) => count > 0);
        // Each bar is drawn with a stroke of a pixel.
        [...heights.entries()]
          .sort(([a], [b]) => a - b)
          .forEach(([, height], i) => {
            expect(Math.abs(height / tallest - counts[i]! / Math.max(...counts))).toBeLessThan(0.05);
          });
        expect(heights.size).toBe(counts.length);
      }
    }));

  it('draws a bar for every category, as long as its share', () =>
    open('honest', 1280, async (page) => {
      const bars = await page.$$eval('#plot-categories .mark-rect path', (paths) =>
        paths.map((path) => path.getBoundingClientRect().width),
      );
      expect(bars).toHaveLength(honest.categories.length);
      // The plot groups by outcome, so the order differs from the table's: compare the sorted lengths.
      const shares = honest.categories.map(({ share }) => share.value!).sort((a, b) => a - b);
      const lengths = [...bars].sort((a, b) => a - b);
      lengths.forEach((length, i) => {
        expect(length / lengths.at(-1)!).toBeCloseTo(shares[i]! / shares.at(-1)!, 2);
      });
    }));

  it('draws every problem', () =>
    open('honest', 1280, async (page) => {
      const rectangles = await page.$$eval('#plot-problems .mark-rect path', (paths) => paths.length);
      expect(rectangles).toBe(honest.problems.reduce((sum, { outcomes }) => sum + Object.keys(outcomes).length, 0));
      expect(await page.$$eval('#plot-pass-at-k .mark-symbol path', (paths) => paths.length)).toBe(honest.passAtK.length);
    }));

  it('marks the failing line of every worst sample that has one', () =>
    open('honest', 1280, async (page) => {
      const marked = await page.$$eval('article.sample', (articles) =>
        articles.map((article) => {
          const mark = article.querySelector<HTMLElement>('mark.failing');
          return mark === null ? null : { line: Number(mark.dataset['line']), text: mark.textContent };
        }),
      );
      expect(marked).toEqual(
        honest.worst.map(({ prompt, completion, failure }) =>
          failure.line === null ? null : { line: failure.line, text: `${(prompt + completion).split('\n')[failure.line - 1]!}\n` },
        ),
      );
      expect(marked.filter((mark) => mark !== null).length).toBeGreaterThanOrEqual(3);
    }));

  it('sorts by a column, down and up, by pointer and by keyboard', () =>
    open('honest', 1280, async (page) => {
      const column = async (): Promise<number[]> => (await cells(page, 'category-table')).map((row) => Number(row[3]!.replace(',', '')));
      const button = page.locator('#category-table button.sort', { hasText: 'failures' });
      await button.click();
      const down = [...honest.categories.map(({ count }) => count)].sort((a, b) => b - a);
      expect(await column()).toEqual(down);
      await button.press('Enter');
      expect(await column()).toEqual([...down].reverse());
      expect(await page.locator('#category-table th[aria-sort]').getAttribute('aria-sort')).toBe('ascending');
      await page.locator('#category-table button.sort', { hasText: 'code' }).click();
      expect((await cells(page, 'category-table')).map(([code]) => code)).toEqual(honest.categories.map(({ code }) => code));
    }));

  const pages: [string, ReportData][] = [
    ['honest', honest],
    ['hostile', hostile],
  ];
  describe.each(pages)('%s', (name) => {
    it.each([1280, 390])('does not overflow at %d pixels', (width) =>
      open(name, width, async (page) => {
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      }),
    );

    it('has text that stands out in light and dark, at least 4.5 to 1 (WCAG AA)', () =>
      open(name, 1280, async (page) => {
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          await page.locator('#sample-list summary').first().click();
          const worst = await page.evaluate(() => {
            const luminance = (colour: string): number => {
              const [r, g, b] = colour
                .match(/[\d.]+/g)!
                .map(Number)
                .slice(0, 3)
                .map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
              return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
            };
            const ground = (element: Element | null): string => {
              for (let at = element; at !== null; at = at.parentElement) {
                const { backgroundColor } = getComputedStyle(at);
                if (!/, 0\)$|transparent/.test(backgroundColor)) return backgroundColor;
              }
              return 'rgb(255, 255, 255)';
            };
            const ratios = [
              ...document.querySelectorAll(
                'h1,h2,p,dt,dd,th,td,small,.note,.line,.prompt,figcaption,nav a,label,select,button,summary span:not(.swatch),summary b',
              ),
            ].map((element) => {
              const [a, b] = [luminance(getComputedStyle(element).color), luminance(ground(element))].sort((x, y) => y - x);
              return (a! + 0.05) / (b! + 0.05);
            });
            return Math.min(...ratios);
          });
          expect(worst).toBeGreaterThanOrEqual(4.5);
        }
      }));
  });

  describe('sample browser', () => {
    const counted = samples.filter(({ outcome }) => outcome !== 'infra');
    const listed = (page: Page): Promise<string[]> =>
      page.$$eval('#sample-list .which', (each) => each.map((element) => (element as HTMLElement).innerText));
    const shown = (page: Page): Promise<string> => page.locator('#sample-count').innerText();

    it('filters by category, problem, status and text, and says how many are left', () =>
      open('honest', 1280, async (page) => {
        expect(await shown(page)).toBe(`${whole(counted.length)} of ${whole(counted.length)} samples`);
        const names = counted.filter(({ categoryCode }) => categoryCode === '4.1');
        const label = await page.locator('#filter-category option', { hasText: '4.1 crash.name_error' }).innerText();
        expect(label).toBe(`4.1 crash.name_error (${whole(names.length)})`);
        await page.locator('#filter-category').selectOption({ label });
        expect(await shown(page)).toBe(`${whole(names.length)} of ${whole(counted.length)} samples`);
        expect(await listed(page)).toEqual(names.slice(0, 25).map(({ taskId, sampleIndex }) => `${taskId}, sample ${sampleIndex}`));

        const { taskId } = names.at(-1)!;
        await page.locator('#filter-problem').selectOption({ label: taskId });
        const ofProblem = names.filter((each) => each.taskId === taskId);
        expect(await listed(page)).toEqual(ofProblem.map(({ sampleIndex }) => `${taskId}, sample ${sampleIndex}`));
        await page.locator('#filter-status').selectOption('syntax');
        expect(await shown(page)).toBe(`0 of ${whole(counted.length)} samples`);

        await page.locator('#filter-clear').click();
        await page.locator('#filter-text').fill('NUMBERS.FIRST()');
        const found = counted.filter(({ completion }) => completion.includes('numbers.first()'));
        expect(found.length).toBeGreaterThan(0);
        expect(await shown(page)).toBe(`${whole(found.length)} of ${whole(counted.length)} samples`);
        await page.locator('#filter-text').fill("no attribute 'first'");
        expect(await shown(page)).toBe(`${whole(found.length)} of ${whole(counted.length)} samples`);

        await page.locator('#filter-clear').click();
        const crashes = counted.filter(({ outcome }) => outcome === 'crash');
        await page.locator('#filter-category').selectOption('outcome crash');
        expect(await shown(page)).toBe(`${whole(crashes.length)} of ${whole(counted.length)} samples`);
      }));

    it('opens a sample by keyboard: source with the failing line, verdict, category and evidence', () =>
      open('honest', 390, async (page) => {
        await page
          .locator('#filter-category')
          .selectOption({ label: await page.locator('#filter-category option', { hasText: '2.1 ' }).innerText() });
        await page.locator('#sample-list summary').first().focus();
        await page.keyboard.press('Enter');
        const first = counted.find(({ categoryCode }) => categoryCode === '2.1')!;
        const details = page.locator('#sample-list details').first();
        const { line } = (first.verdict.outcome as { exception: { line: number } }).exception;
        expect(await details.locator('.line').allTextContents()).toEqual(
          (first.prompt + first.completion).trimEnd().split('\n').map((text) => `${text}\n`), // prettier-ignore
        );
        expect(await details.locator('mark.failing').getAttribute('data-line')).toBe(String(line));
        expect(await details.locator('.prompt').count()).toBe(first.prompt.split('\n').length - 1);
        expect(await details.locator('.caret').textContent()).toBe(`${' '.repeat(45)}^\n`);
        expect(await details.locator('dd').allInnerTexts()).toEqual([
          "syntax: SyntaxError: closing parenthesis ']' does not match opening parenthesis '('",
          '2.1 syntax.unclosed',
          'rule 2.1',
          'a_tag',
          expect.stringMatching(/^\d+ tokens, ended by \w+, mean log-probability −0\.\d{3}$/),
        ]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
        await page.keyboard.press('Enter');
        expect(await details.getAttribute('open')).toBeNull();
      }));

    it('turns pages, and begins again where a filter changes', () =>
      open('honest', 1280, async (page) => {
        await page.locator('#sample-next').click();
        expect(await page.locator('#sample-page').innerText()).toBe('26 to 50');
        expect((await listed(page))[0]).toBe(`${counted[25]!.taskId}, sample ${counted[25]!.sampleIndex}`);
        await page.locator('#sample-previous').press('Enter');
        expect(await page.locator('#sample-previous').isDisabled()).toBe(true);
        await page.locator('#sample-next').click();
        await page.locator('#filter-status').selectOption('exception');
        expect(await page.locator('#sample-page').innerText()).toBe('1 to 25');
      }));

    it('opens from the table of categories', () =>
      open('honest', 1280, async (page) => {
        const category = honest.categories.find(({ code }) => code === '4.5')!;
        await page.locator('#category-table tr', { hasText: 'crash.lookup_error' }).locator('a').click();
        expect(await shown(page)).toBe(`${whole(category.count)} of ${whole(counted.length)} samples`);
        expect(new URL(page.url()).hash).toBe('#samples');
      }));

    it('shows hostile samples as text', () =>
      open('hostile', 1280, async (page) => {
        await page.locator('#filter-text').fill('</script></style></pre><script>');
        expect(await shown(page)).toBe(`22 of ${evil.filter(({ outcome }) => outcome !== 'infra').length} samples`);
        await page.locator('#sample-list summary').first().click();
        const details = page.locator('#sample-list details').first();
        expect(await details.locator('.program').innerText()).toContain("</script></style></pre><script>document.title = 'owned'");
        expect(await details.locator('script, img, svg').count()).toBe(0);
        expect(await page.title()).not.toBe('owned');
      }));
  });

  describe('of a comparison of strategies', () => {
    interface Group {
      readonly value: string;
      readonly samples: number;
      readonly pass: Estimate;
      readonly crash: Estimate;
      readonly mean_tokens: number;
      readonly families: readonly (Estimate & {
        readonly code: string;
        readonly name: string;
        readonly count: number;
        readonly programs: number;
      })[];
      readonly hidden_assertions: {
        readonly pass_at_k: readonly { readonly hidden: Estimate; readonly hidden_at_most: Estimate; readonly problems: number }[];
      };
      readonly programs: {
        readonly programs: number;
        readonly distinct: Estimate;
        readonly crash: { readonly of_programs: Estimate };
        readonly outcomes: readonly { readonly outcome: string; readonly of_programs: Estimate }[];
      };
      readonly costs: { readonly tokens: number; readonly executions: number };
    }
    interface Test {
      readonly experiment: string;
      readonly rate: string;
      readonly difference: { readonly value: number; readonly p: number | null };
      readonly adjustedP: number | null;
    }
    const read = (file: string): unknown => JSON.parse(readFileSync(join(folder, 'comparison', file), 'utf8'));
    // What the page is to say stands in the files beside it.
    const groups = (): readonly Group[] =>
      (read('comparison.json') as { by_setting: { tables: { groups: readonly Group[] }[] } }).by_setting.tables[0]!.groups;

    beforeAll(async () => {
      // Names that a page must not obey, and none that a file system must not see.
      const labels = ['study-greedy', `study-${HOSTILE.script}`, `study-${HOSTILE.image}`];
      const sides = labels.map((label, i) => ({ label, own: judgedSamples(24, i === 0 ? 1 : 6, BigInt(i + 1)) }));
      const questions = new Map(sides[1]!.own.map(({ taskId }) => [taskId, taskId]));
      const compared = bySetting(
        sides.map(({ label, own }) => ({
          label,
          hash: 'c3ab8ff1',
          temperature: '1',
          questions,
          draws: label,
          marks: marksOf(own),
          samples: own,
        })),
        [{ key: 'strategy.top_k', values: ['0', HOSTILE.svg, '40'] }],
        { resamples: 499 },
      );
      const [first, ...others] = sides;
      const pairs = others.map(({ label, own }) => ({
        experiment: label,
        difference: difference(first!.own, own, { resamples: 499, marks: { first: marksOf(first!.own), second: marksOf(own) } }),
      }));
      await writeComparison(join(folder, 'comparison'), {
        name: 'study',
        analysis: { ...analysed(first!.own, { categories: CATEGORIES, resamples: 499 }), bySetting: compared },
        comparison: strategyComparison(compared, labels[0]!, pairs),
        pairs: pairs.map(({ difference: found }) => found),
      });
    });

    it('leaves every file it says', () => {
      for (const name of COMPARISON_FILES) expect(existsSync(join(folder, 'comparison', name)), name).toBe(true);
      expect(
        readFileSync(join(folder, 'comparison', 'figures', 'strategies.pdf'))
          .subarray(0, 5)
          .toString(),
      ).toBe('%PDF-');
    });

    it('shows the numbers of the files beside it', () =>
      open('comparison', 1280, async (page) => {
        expect(await page.title()).toBe('study: comparison of strategies');
        const { tests } = read('differences.json') as { tests: readonly Test[] };
        expect((await cells(page, 'strategies-table')).map((row) => row.slice(1))).toEqual(
          groups().map(({ samples: count, pass, crash }) => [whole(count), ...[pass, crash].flatMap((each) => [percent(each.value), percentInterval(each)])]),
        ); // prettier-ignore
        expect((await cells(page, 'costs-table')).map((row) => [row[1], row[3], row.at(-1)])).toEqual(
          groups().map(({ costs, mean_tokens: mean }) => [whole(costs.tokens), whole(costs.executions), mean.toFixed(1)]),
        );
        expect((await cells(page, 'strategy-programs-table')).map((row) => row.slice(1))).toEqual(
          groups().map(({ hidden_assertions: hidden, programs }) => {
            const [found] = hidden.pass_at_k;
            const pass = programs.outcomes.find(({ outcome }) => outcome === 'pass')!;
            return [
              ...[percent(found!.hidden.value), percentInterval(found!.hidden), percent(found!.hidden_at_most.value)],
              ...[whole(found!.problems), whole(programs.programs)],
              ...[programs.distinct, pass.of_programs, programs.crash.of_programs].flatMap((each) => [
                percent(each.value),
                percentInterval(each),
              ]),
            ];
          }),
        );
        expect(tests).toHaveLength(6);
        expect((await cells(page, 'tests-table')).map((row) => [row[1], row[4], row[6], row[7]])).toEqual(
          tests.map(({ rate, difference: found, adjustedP }) => [rate, points(found.value), probability(found.p), probability(adjustedP)]),
        );
        expect((await cells(page, 'families-table')).map((row) => [row[1], row[2], row[3], row[4], row[5]])).toEqual(
          groups().flatMap(({ families }) =>
            families.map((family) => [`${family.code} ${family.name}`, whole(family.count), percent(family.value), percentInterval(family), whole(family.programs)]),
          ),
        ); // prettier-ignore
        const { failures } = (read('comparison.json') as { by_setting: { failures: { chi_square: number; degrees: number; p: number } } })
          .by_setting;
        expect(await page.locator('#kinds').innerText()).toContain(
          `chi-square ${failures.chi_square.toFixed(1)} with ${failures.degrees} degrees of freedom, p ${probability(failures.p)} by permuting`,
        );
        expect(await page.locator('#methods').innerText()).toMatch(
          /^With faultline .* we compared 3 strategies on 24 problems .*seed 18446744073709551557/,
        );
      }));

    it('draws a point for each rate, as far along as its share', () =>
      open('comparison', 1280, async (page) => {
        const points = await page.$$eval('#plot-strategies .mark-symbol path', (paths) =>
          paths.map((path) => path.getBoundingClientRect()).map(({ left, width }) => left + width / 2),
        );
        const shares = groups().flatMap(({ pass, crash }) => [pass.value!, crash.value!]);
        expect(points).toHaveLength(shares.length);
        const [most, least] = [shares.indexOf(Math.max(...shares)), shares.indexOf(Math.min(...shares))];
        const scale = (points[most]! - points[least]!) / (shares[most]! - shares[least]!);
        points.forEach((point, i) => {
          expect(Math.abs(point - points[least]! - scale * (shares[i]! - shares[least]!))).toBeLessThan(1);
        });
      }));

    it.each([1280, 390])('does not overflow at %d pixels', (width) =>
      open('comparison', width, async (page) => {
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      }),
    );

    it('goes where its navigation says, sorts, and obeys no name', () =>
      open('comparison', 1280, async (page) => {
        const links = await page.$$eval('nav a', (each) => each.map((link) => link.getAttribute('href')!));
        for (const link of links) expect(await page.locator(link).count(), link).toBe(1);
        expect(links).toHaveLength(4);
        await page.locator('#strategies-table button.sort', { hasText: 'pass' }).click();
        const passes = (await cells(page, 'strategies-table')).map((row) => parseFloat(row[2]!));
        expect(passes).toEqual([...passes].sort((a, b) => b - a));
        expect(await page.title()).not.toBe('owned');
        expect(await page.locator('img').count()).toBe(0);
        expect(await page.locator('#strategies-table').innerText()).toContain('</script>');
      }));
  });

  it('goes where its navigation says, and prints without what paper cannot do', () =>
    open('honest', 1280, async (page) => {
      const links = await page.$$eval('nav a', (each) => each.map((link) => link.getAttribute('href')!));
      expect(links.length).toBeGreaterThan(5);
      for (const link of links) {
        await page.locator(`nav a[href="${link}"]`).click();
        const top = await page.locator(link).evaluate((section) => section.getBoundingClientRect().top);
        const atEnd = await page.evaluate(() => window.scrollY + window.innerHeight >= document.documentElement.scrollHeight - 1);
        expect(Math.abs(top) < 60 || atEnd, link).toBe(true);
      }
      await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
      expect(await page.locator('nav').isVisible()).toBe(false);
      expect(await page.locator('#sample-list').isVisible()).toBe(false);
      expect(await page.locator('#sample-extent').isVisible()).toBe(true);
      expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(255, 255, 255)');
    }));

  it('runs nothing that a sample, a name or a message holds', () =>
    open('hostile', 1280, async (page) => {
      expect(await page.title()).not.toBe('owned');
      const found = await page.evaluate(() => {
        const elements = [...document.querySelectorAll('*')];
        return {
          names: [...new Set(elements.map(({ localName }) => localName))],
          handlers: elements
            .flatMap(({ attributes }) => [...attributes])
            .filter(({ name }) => name.startsWith('on') || /^(src|action|formaction)$/.test(name)).length,
          links: elements.map((element) => element.getAttribute('href') ?? '#').filter((href) => !href.startsWith('#')),
          scripts: [...document.scripts].filter(({ type }) => type === '').length,
        };
      });
      const own =
        'html head meta title style body header p h1 b nav a main dl dt dd div section h2 span small table caption thead tbody tr th td button figure figcaption svg g path line rect text article h3 pre code mark ul ol li label select optgroup option input details summary noscript footer script';
      expect(found.names.filter((name) => !own.split(' ').includes(name))).toEqual([]);
      expect(found).toMatchObject({ handlers: 0, links: [], scripts: 1 });
      // The text itself is there to read.
      expect(await page.locator('h1').innerText()).toContain('</script>');
      expect(await page.locator('article.sample').allInnerTexts()).toEqual(expect.arrayContaining([expect.stringContaining('<img src=')]));
    }));

  it('would not run a script even if one got in', () =>
    open(
      'honest',
      1280,
      async (page) => {
        const blocked = await page.evaluate(
          () =>
            new Promise<string>((resolve) => {
              document.addEventListener(
                'securitypolicyviolation',
                (event) => {
                  resolve(event.effectiveDirective);
                },
                { once: true },
              );
              const script = document.createElement('script');
              script.textContent = "document.title = 'owned'";
              document.body.append(script);
            }),
        );
        expect(blocked).toMatch(/^script-src/);
        expect(await page.title()).not.toBe('owned');
      },
      [expect.stringContaining('Content Security Policy')],
    ));
});
