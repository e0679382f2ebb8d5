/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * The report page in a real browser: it draws what the summary says, asks the network for nothing, fits narrow screens, sorts, and
 * hostile text stays text. Skips, and says so, where no Chromium is found.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReportData } from '../../../src/reports/report-data.js';
import { percent, percentInterval, whole } from '../../../src/reports/render/format.js';
import { summarise } from '../../../src/reports/summary.js';
import { writeReport } from '../../../src/reports/write-report.js';
import { CATEGORIES, EXPERIMENT, HOSTILE, hostileSample, judgedSamples, measuredSamples } from '../../unit/reports/judged-samples.js';

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

describe.skipIf(executablePath === null)('report page in a browser', () => {
  let folder: string;
  let context: BrowserContext | undefined;
  const samples = judgedSamples(80, 20);
  const honest = summarise(EXPERIMENT, samples, { categories: CATEGORIES, texts: measuredSamples(samples), resamples: 499 });
  const evil = [
    ...judgedSamples(6, 5),
    // Frequent enough to be printed in full.
    ...Array.from({ length: 20 }, (_, sampleIndex) => hostileSample({ sampleIndex })),
    hostileSample({ sampleIndex: 20, outcome: 'wrong', categoryCode: HOSTILE.svg, categoryName: HOSTILE.entity }),
  ];
  const hostile = summarise(
    {
      ...EXPERIMENT,
      name: HOSTILE.script,
      cpu: HOSTILE.image,
      finishedAt: null,
      config: JSON.stringify({ [HOSTILE.svg]: HOSTILE.script }),
    },
    evil,
    { categories: CATEGORIES, texts: measuredSamples(evil), resamples: 499 },
  );

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
      const url = pathToFileURL(join(folder, name, 'report.html')).href;
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
      const { targets, similarFailures, programs } = honest.textView!;
      const two = (value: number | null): string => (value === null ? '–' : value.toFixed(2));
      const rows = await cells(page, 'text-table');
      const [pass, crash] = targets;
      expect(rows.map((row) => row.slice(2).map((cell) => cell.split(' ')[0]))).toEqual(
        pass!.measures.map((area, i) =>
          [area, crash!.measures[i]!].flatMap(({ pooled, within }) => [two(pooled.value), two(within.value)]),
        ),
      );
      const similar = await cells(page, 'similar-table');
      expect(similar.map(([task, sample]) => [task, sample])).toEqual(similarFailures.map(({ taskId, sampleIndex }) => [taskId, String(sampleIndex)])); // prettier-ignore
      const counts = await cells(page, 'program-table');
      expect(counts.map((row) => row[2])).toEqual(programs.outcomes.map((outcome) => whole(outcome.programs)));
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
    it.each([1280, 400])('does not overflow at %d pixels', (width) =>
      open(name, width, async (page) => {
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      }),
    );

    it('has text that stands out in light and dark, at least 4.5 to 1 (WCAG AA)', () =>
      open(name, 1280, async (page) => {
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
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
            const ratios = [...document.querySelectorAll('h1,h2,p,dt,dd,th,td,small,.note,.line,.prompt,figcaption,nav a')].map(
              (element) => {
                const [a, b] = [luminance(getComputedStyle(element).color), luminance(ground(element))].sort((x, y) => y - x);
                return (a! + 0.05) / (b! + 0.05);
              },
            );
            return Math.min(...ratios);
          });
          expect(worst).toBeGreaterThanOrEqual(4.5);
        }
      }));
  });

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
          scripts: document.scripts.length,
        };
      });
      const own =
        'html head meta title style body header p h1 b nav a main dl dt dd div section h2 span small table caption thead tbody tr th td button figure figcaption svg g path line rect text article h3 pre code mark ul li footer script';
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
