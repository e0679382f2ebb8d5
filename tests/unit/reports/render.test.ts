/** Pages, tables, JSON and terminal text from one summary: right numbers, and hostile text that stays text. */
import fc from 'fast-check';
import picocolors from 'picocolors';
import { describe, expect, it, vi } from 'vitest';
import { describeFailure } from '../../../src/reports/describe.js';
import { compareCodes } from '../../../src/reports/category-order.js';
import { samplesCsv, unguard } from '../../../src/reports/render/csv.js';
import { percent, percentInterval, wrap } from '../../../src/reports/render/format.js';
import { renderHtml } from '../../../src/reports/render/html.js';
import { markup, multiline } from '../../../src/reports/render/html/markup.js';
import { programListing } from '../../../src/reports/render/html/program.js';
import { REPORT_VERSION, reportJson } from '../../../src/reports/render/json.js';
import { drawPlots } from '../../../src/reports/render/plots/index.js';
import { standalone } from '../../../src/reports/render/plots/render.js';
import { sampleText } from '../../../src/reports/render/sample-text.js';
import { TABLES } from '../../../src/reports/render/tables/index.js';
import { areaText } from '../../../src/reports/render/tables/text-view.js';
import { renderText } from '../../../src/reports/render/text.js';
import { shorten, visible, visibleLine } from '../../../src/reports/render/visible.js';
import { summarise } from '../../../src/reports/summary.js';
import type { FailureDescription, PartialExtent, ReportData } from '../../../src/reports/report-data.js';
import { IMPORTED } from '../../../src/store/imported.js';
import type { Measurements } from '../../../src/sandbox/verdict.js';
import type { JudgedSample } from '../../../src/store/types.js';
import { MEASURES } from '../../../src/text-metrics/measures.js';
import {
  CATEGORIES,
  EXPERIMENT,
  HOSTILE,
  analysedReport,
  hostileSample,
  judgedSamples,
  measuredSamples,
  NO_PLOTS,
  placed,
  sample,
  verdictOf,
} from './judged-samples.js';
import { verdict as verdictOn } from '../sandbox/verdicts.js';

const FAST = { categories: CATEGORIES, resamples: 199 };
const rows = judgedSamples(12, 10);
const data = summarise(EXPERIMENT, rows, FAST);
const measured = summarise(EXPERIMENT, rows, { ...FAST, texts: measuredSamples(rows) });
/** A table of the report as CSV. */
const csvOf =
  (name: string) =>
  (of: ReportData): string =>
    TABLES.find((table) => table.name === name)!.csv(of);
const [categoriesCsv, outcomesCsv, passAtKCsv, problemsCsv, textViewCsv] = [
  csvOf('categories'),
  csvOf('outcomes'),
  csvOf('pass-at-k'),
  csvOf('problems'),
  csvOf('text-view'),
];
const everyHostile = Object.values(HOSTILE);

/** RFC 4180, read by a plain state machine: independent of the writer. */
function parseCsv(text: string): string[][] {
  const table: string[][] = [[]];
  let cell = '';
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (quoted) {
      if (character !== '"') cell += character;
      else if (text[i + 1] === '"') cell += text[++i]!;
      else quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === ',') {
      table.at(-1)!.push(cell);
      cell = '';
    } else if (character === '\r' && text[i + 1] === '\n') {
      table.at(-1)!.push(cell);
      cell = '';
      table.push([]);
      i++;
    } else cell += character;
  }
  expect(quoted).toBe(false);
  expect(table.pop()).toEqual([]);
  return table;
}

const failure = (fields: Partial<FailureDescription> = {}): FailureDescription => ({
  headline: 'NameError: x',
  line: null,
  column: null,
  node: null,
  assertion: null,
  ...fields,
});

describe('markup', () => {
  it('escapes whatever is not markup, in content and attributes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...everyHostile)), (text) => {
        const { text: page } = markup`<p title="${text}">${text}${[text]}${multiline(text)}</p>`;
        expect(page.match(/[<>]/g)).toEqual(['<', '>', '<', '>']);
        expect(page.match(/"/g)).toHaveLength(2);
      }),
    );
  });

  it('shows characters that would act', () => {
    expect(visible('a\u202eb\u0000\u001b[31m\tc\n')).toBe('a⟨U+202E⟩b␀␛[31m\tc\n');
    expect(visibleLine('a\nb\tc\rd')).toBe('a⏎b c␍d');
    expect(visible(HOSTILE.surrogate)).toBe('half ⟨U+D800⟩ pair');
    expect(visible('𝒳 é 日本')).toBe('𝒳 é 日本');
  });

  it('never cuts a character in two', () => {
    expect(shorten('😀😀😀', 4)).toBe('😀…');
    expect(shorten('😀😀😀', 5)).toBe('😀😀…');
    expect(shorten('😀😀', 4)).toBe('😀😀');
  });
});

describe('program listing', () => {
  const text = (listing: string): string =>
    listing.replace(/<span class="note">.*?<\/span><\/span>|<span class="note">.*?<\/span>/gs, '').replace(/<[^>]*>/g, '');

  it('marks the failing line, and only that', () => {
    const { text: listing } = programListing('def f(a):\n', '    b = 1\n    return c\n', failure({ line: 3, headline: 'NameError: c' }));
    expect(listing.match(/<mark[^>]*>.*?<\/mark>/gs)).toEqual(['<mark class="line failing" data-line="3">    return c\n</mark>']);
    expect(listing).toContain('<span class="note">NameError: c</span>');
    expect(listing.match(/data-line=/g)).toHaveLength(3);
  });

  it('tells prompt and completion apart within one line', () => {
    const { text: listing } = programListing('def f():\n    ret', 'urn 1\n', failure());
    expect(listing).toContain('<span class="line" data-line="2"><span class="prompt">    ret</span>urn 1\n</span>');
  });

  it('counts lines as Python does', () => {
    const { text: listing } = programListing('a\r\nb\rc\n', 'd\u000ce\u2028f\n', failure({ line: 4 }));
    expect(listing.match(/data-line="\d+"/g)).toHaveLength(4);
    expect(listing).toContain('data-line="4">d␌e⟨U+2028⟩f');
  });

  it('clamps a line past the end to the last', () => {
    const { text: listing } = programListing('def f(:\n', '', failure({ line: 9 }));
    expect(listing).toContain('<mark class="line failing" data-line="2">');
  });

  it('points a caret at the column', () => {
    const { text: listing } = programListing('', '\tx = )\n', failure({ line: 1, column: 6 }));
    expect(listing).toContain('<span class="caret" aria-hidden="true">\t    ^\n</span>');
  });

  it('keeps the program copyable: without marks its text is the program', () => {
    const program = 'def f(a):\n    return a\n';
    expect(text(programListing(program, '', failure({ line: 2 })).text)).toBe(program);
  });

  it('shows a window of a long program around the failing line, and cuts long lines', () => {
    const long = Array.from({ length: 400 }, (_, i) => `x${i} = ${'9'.repeat(i === 200 ? 1_000_000 : 1)}\n`).join('');
    const { text: listing } = programListing('', long, failure({ line: 201 }));
    expect(listing).toContain('<mark class="line failing" data-line="201">');
    expect(listing.match(/data-line=/g)).toHaveLength(60);
    expect(listing).toContain('more lines above');
    expect(listing.length).toBeLessThan(10_000);
  });

  it('is inert whatever the program is', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...everyHostile)),
        fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...everyHostile)),
        fc.option(fc.integer({ min: 1, max: 8 })),
        fc.option(fc.integer({ min: 1, max: 50 })),
        (prompt, completion, line, column) => {
          const { text: listing } = programListing(prompt, completion, failure({ line, column, headline: prompt }));
          expect(listing.replace(/<\/?(pre|code|span|mark)( (class|data-line|tabindex|aria-hidden)="[a-z0-9 ]+")*>/g, '')).not.toMatch(
            /[<>"]/,
          );
        },
      ),
    );
  });
});

describe('page', () => {
  it('holds hostile texts as texts, and no element but its own', async () => {
    const evil = [...judgedSamples(3, 4), hostileSample(), hostileSample({ sampleIndex: 1, outcome: 'wrong', categoryCode: HOSTILE.svg })];
    const bad = summarise(
      { ...EXPERIMENT, name: HOSTILE.script, cpu: HOSTILE.image, config: JSON.stringify({ [HOSTILE.svg]: HOSTILE.script }) },
      evil,
      FAST,
    );
    const page = renderHtml(bad, await drawPlots(bad));
    // The page's script, and the browser's samples, which are data.
    expect(page.match(/<script\b[^>]*>/g)).toEqual(['<script type="application/json" id="sample-data">', '<script>']);
    expect(page.match(/<\/script/gi)).toHaveLength(2);
    // Attributes and everything subtler are looked at in the real browser: tests/integration/reports/browser.test.ts.
    expect(page).not.toMatch(/<(img|iframe|link|object|embed|form|base)\b/i);
    expect(page.match(/<svg/g)).toHaveLength(3);
    expect(page).not.toMatch(/[\u0000\u001b\u202e\u2066]/);
    expect(page).toContain('&#60;/script&#62;');
  });

  it('says of texts what they showed, or which command measures them', () => {
    const section = (page: string): string => /<section id="text-view">[^]*?<\/section>/.exec(page)![0].replace(/\s+/g, ' ');
    expect(section(renderHtml(data, NO_PLOTS))).toContain('<code>faultline run --only measure,report</code>');
    expect(section(renderHtml(data, NO_PLOTS))).not.toContain('<table');
    // A run's stages know nothing of samples that were made elsewhere.
    const elsewhere = section(
      renderHtml({ ...data, experiment: { ...data.experiment, device: IMPORTED, tokenizerHash: IMPORTED } }, NO_PLOTS),
    );
    expect(elsewhere).toContain('<code>faultline import</code>');
    expect(elsewhere).not.toContain('faultline run');
    const shown = section(renderHtml(measured, NO_PLOTS));
    expect(shown.match(/<table/g)!.length).toBeGreaterThanOrEqual(3);
    expect(shown).not.toContain('--only measure');
    // No entropies were recorded.
    expect(shown).toContain('–: too little to say (');
    expect(shown).toContain('pass: 0 samples of 0 problems in the class;');
    const half = measuredSamples(rows).map((each, i) => (i % 2 === 0 ? each : { ...each, measures: null }));
    const partly = summarise(EXPERIMENT, rows, { ...FAST, texts: half });
    expect(section(renderHtml(partly, NO_PLOTS))).toContain(
      `${partly.textView!.unmeasured} counted samples of ${partly.counts.counted} have not been measured and are left out here.`,
    );
    const evil = [...rows, ...[0, 1, 2].map((sampleIndex) => hostileSample({ sampleIndex }))];
    const bad = section(renderHtml(summarise(EXPERIMENT, evil, { ...FAST, texts: measuredSamples(evil) }), NO_PLOTS));
    expect(bad).toContain('4.66 crash.&#34;&#62;&#60;img');
    expect(bad).not.toMatch(/<(script|img|svg)\b/);
  });

  it('forbids everything but itself', () => {
    const page = renderHtml(data, NO_PLOTS);
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1];
    expect(policy).toMatch(/^default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-[A-Za-z0-9+/=]+'/);
  });

  it('says what is missing', () => {
    const unfinished = summarise(
      { ...EXPERIMENT, finishedAt: null },
      [sample(), sample({ sampleIndex: 1, outcome: 'infra', verdict: verdictOf({ status: 'infra', reason: '' }) })],
      FAST,
    );
    const page = renderHtml(unfinished, NO_PLOTS);
    expect(page).toContain('This run is not finished');
    expect(page).toContain('1 sample could not be judged');
    expect(page).toContain('pass@10 needs 10 samples of a problem; there are at most 1: left out.');
    expect(page).toContain('No counted sample failed.');
  });

  it('says what part of the experiment it covers, where that is not the whole', () => {
    const samples = [sample(), sample({ sampleIndex: 1 })];
    const page = (whole: PartialExtent) => renderHtml(summarise(EXPERIMENT, samples, { ...FAST, whole }), NO_PLOTS).replace(/\s+/g, ' ');
    expect(page({ samples: 40, problems: 4, shards: ['0/4', '3/4'] })).toContain(
      'This report is partial: it covers 2 of the experiment’s 40 samples of 4 problems, those of shards 0/4, 3/4. No rate',
    );
    expect(page({ samples: 40, problems: 4, shards: [] })).toContain('samples of 4 problems. No rate');
    expect(page({ samples: 2, problems: 1, shards: [] })).not.toContain('partial');
  });

  it('decides nothing about an experiment by a part of it', () => {
    const whole: PartialExtent = { samples: 1000, problems: 50, shards: ['0/4'] };
    expect(data.feasibility).toMatchObject({ decision: expect.stringMatching(/^(proceed|stop)$/) as string, undecided: null });
    const part = summarise(EXPERIMENT, rows, { ...FAST, whole });
    expect(part.feasibility).toEqual({ ...data.feasibility, decision: 'undecided', undecided: 'partial' });
    expect(reportJson(part)['feasibility']).toMatchObject({ decision: 'undecided', undecided: 'partial' });
    expect(renderText(part)).toContain('undecided: these are a part of the experiment');
    const page = renderHtml(part, NO_PLOTS);
    expect(page.replace(/\s+/g, ' ')).toContain('<b>Undecided.</b> The decision is about the whole experiment');
    // Without a failure that is the reason, in a part as in the whole.
    expect(summarise(EXPERIMENT, [sample()], { ...FAST, whole }).feasibility.undecided).toBe('no_failures');
  });

  it('does not promise another try for what nobody can judge', () => {
    const rows = [sample(), sample({ taskId: 'Other/1', outcome: 'infra', verdict: verdictOf({ status: 'unsupported', reason: '' }) })];
    const page = renderHtml(summarise(EXPERIMENT, rows, FAST), NO_PLOTS);
    expect(page).toMatch(/1 sample of problems whose tests need more than values is\s+unsupported, and in no rate/);
    expect(page).not.toMatch(/could not be judged|again retries/);
  });

  it('shows assertion, returned and expected value where an assertion decided', () => {
    const assertion = {
      index: 0,
      source: 'assert candidate(1) == 2',
      returned: '<b>3</b>',
      returnedType: 'str',
      expected: '2',
      expectedType: 'int',
    };
    const one = summarise(
      EXPERIMENT,
      [
        sample({
          outcome: 'wrong',
          categoryCode: '8.12',
          categoryName: 'wrong.all',
          verdict: verdictOf({ status: 'assertion', assertion }),
        }),
      ],
      FAST,
    );
    const page = renderHtml(one, NO_PLOTS);
    expect(page).toContain('assert candidate(1) == 2');
    expect(page).toContain('&#60;b&#62;3&#60;/b&#62;');
    expect(page).toContain('no single line failed');
  });
});

describe('analyses', () => {
  const plain = (page: string): string => page.replace(/\s+/g, ' ');

  it('are three parts of the page with their links, and none where nobody made them or no sample counts', () => {
    const ids = ['assertions', 'dependence', 'positions'];
    const page = renderHtml(analysedReport(placed(rows), FAST), NO_PLOTS);
    for (const id of ids) {
      expect(page).toContain(`<section id="${id}">`);
      expect(page).toContain(`href="#${id}"`);
    }
    for (const without of [data, analysedReport([], FAST)])
      for (const id of ids) expect(renderHtml(without, NO_PLOTS)).not.toMatch(new RegExp(`"#?${id}"`));
  });

  it('say why there is nothing to compare, and show no table there', () => {
    const alike = [0, 1].map((sampleIndex) => sample({ sampleIndex, difficulty: 3 }));
    const page = plain(renderHtml(analysedReport(alike, { ...FAST, marked: false }), NO_PLOTS));
    expect(page).toContain('<p>Nothing to compare: all samples have one difficulty: 3.</p>');
    expect(page).toContain('<p>Nothing to compare: all samples have one length: 0 to 15 tokens.</p>');
    expect(page).toContain('<p>Nothing to show: assertions were not marked when these samples were executed;');
    expect(page).toContain('<p>No failure has a tag.</p>');
    expect(page).toContain('<p>No problem has failures of two categories.</p>');
    expect(page).toContain('<p>None of 0 failures has a failing line that could be placed.</p>');
    expect(page).toContain('<p>Nothing to show: no sample failed.</p>');
    for (const id of ['difficulty', 'length', 'hidden', 'tag', 'pair', 'position', 'divergence'])
      expect(page).not.toContain(`id="${id}-table"`);
  });

  it('are in the CSV with every number, and say in print why there is none', () => {
    const report = analysedReport(placed(rows), FAST);
    const { hiddenAssertions, programs, distributions, coOccurrence, failurePosition, firstDivergence } = report.analyses!;
    const column = (table: string, name: string): string[] => {
      const [header, ...cells] = parseCsv(csvOf(table)(report));
      expect(header).toContain(name);
      expect(new Set(header).size).toBe(header!.length);
      return cells.map((row) => row[header!.indexOf(name)]!);
    };
    const numbers = (table: string, name: string): number[] => column(table, name).map(Number);
    expect(numbers('hidden-assertions', 'hidden_low')).toEqual(hiddenAssertions.passAtK.map(({ hidden }) => hidden.low));
    expect(numbers('hidden-assertions', 'all')).toEqual(hiddenAssertions.passAtK.map(({ all }) => all.value));
    expect(numbers('programs', 'of_programs_high')).toEqual([...programs.outcomes, ...programs.categories].map(({ ofPrograms }) => ofPrograms.high)); // prettier-ignore
    const groupsOf = (name: string) => distributions.find(({ dimension }) => dimension === name)!.groups;
    expect(column('by-difficulty', 'difficulty')).toEqual(groupsOf('difficulty').map(({ value }) => value));
    expect(column('by-length', 'length_tokens')).toEqual(groupsOf('length').map(({ value }) => value));
    expect(numbers('by-length', 'crash')).toEqual(groupsOf('length').map(({ crash }) => crash.value));
    expect(numbers('category-tags', 'lift').sort()).toEqual(coOccurrence.tags.map(({ lift }) => lift).sort());
    expect(numbers('category-pairs', 'expected')).toEqual(coOccurrence.problems.map(({ expected }) => expected));
    for (const [table, { position, categories }] of [
      ['failure-position', failurePosition],
      ['first-divergence', firstDivergence],
    ] as const) {
      // prettier-ignore
      expect(position.count).toBeGreaterThan(0);
      expect(numbers(table, 'median')).toEqual([position, ...categories.map((each) => each.position)].map(({ quartiles }) => quartiles![1])); // prettier-ignore
      expect(numbers(table, 'median_low')).toEqual([position, ...categories.map((each) => each.position)].map(({ intervals }) => intervals![1].low ?? 0)); // prettier-ignore
      expect(numbers(table, 'upper_quartile_high')).toEqual([position, ...categories.map((each) => each.position)].map(({ intervals }) => intervals![2].high ?? 0)); // prettier-ignore
      expect(numbers(table, 'tenth_10')).toEqual([position, ...categories.map((each) => each.position)].map(({ histogram }) => histogram[9])); // prettier-ignore
    }
    expect(numbers('first-divergence', 'logprob_at_low')).toEqual([firstDivergence, ...firstDivergence.categories].map(({ logprob }) => logprob!.intervals.at.low ?? 0)); // prettier-ignore
    const latex = (name: string): string =>
      TABLES.find((table) => table.name === name)!.latex(analysedReport([sample({ difficulty: 3 })], { ...FAST, marked: false }));
    expect(latex('by-difficulty')).toContain('Nothing to show: all samples have one difficulty: 3.');
    expect(latex('hidden-assertions')).toContain('Nothing to show: assertions were not marked');
    expect(latex('first-divergence')).toContain('Nothing to show: no sample failed.');
  });

  it('are drawn as ten bins, stacked by outcome', async () => {
    const report = analysedReport(placed(rows), FAST);
    const { failurePosition, firstDivergence } = await drawPlots(report);
    for (const [plot, { categories }] of [
      [failurePosition, report.analyses!.failurePosition],
      [firstDivergence, report.analyses!.firstDivergence],
    ] as const) {
      // prettier-ignore
      const bins = new Set(
        categories.flatMap(({ code, position }) =>
          position.histogram.flatMap((count, bin) =>
            count === 0 ? [] : [`${bin} ${report.categories.find((category) => category.code === code)!.outcome}`],
          ),
        ),
      );
      const [, bars] = /<g class="mark-rect role-mark[^>]*>(.*?)<\/g>/s.exec(plot!.svg)!;
      expect(bars!.match(/<path/g)).toHaveLength(bins.size);
      expect(plot!.svg).not.toContain('NaN');
    }
  });
});

describe('plots', () => {
  it('draw one bar a category, in variables inside the page and in literal colours as files', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const { categories, problems, passAtK } = await drawPlots(data);
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
    const bars = /<g class="mark-rect role-mark[^>]*>(.*?)<\/g>/s.exec(categories!.svg)![1]!;
    expect(bars.match(/<path/g)).toHaveLength(data.categories.length);
    expect(categories!.svg).toContain('var(--outcome-crash)');
    for (const plot of [categories!, problems!, passAtK!]) {
      const file = standalone(plot);
      expect(file).toMatch(/^<\?xml/);
      expect(file).not.toContain('var(');
      expect(file).toMatch(/role="img" aria-label="[^"]+"/);
    }
  });

  it('draw nothing where there is nothing', async () => {
    expect(await drawPlots(summarise(EXPERIMENT, [], FAST))).toEqual(NO_PLOTS);
  });

  it('draw a single sample', async () => {
    const { passAtK, problems, categories } = await drawPlots(summarise(EXPERIMENT, [sample()], FAST));
    expect(passAtK!.svg).toContain('100.0 %');
    expect(problems!.svg).not.toContain('NaN');
    expect(passAtK!.svg).not.toContain('NaN');
    expect(categories).toBeNull();
  });
});

describe('CSV', () => {
  it('categories agree with the summary', () => {
    const [header, ...cells] = parseCsv(categoriesCsv(data));
    expect(header!.slice(0, 7)).toEqual(['category_code', 'category', 'outcome', 'residual', 'failures', 'share', 'share_low']);
    expect(cells.map(([code, , , , failures, share]) => [code, Number(failures), Number(share)])).toEqual(
      data.categories.map(({ code, count, share }) => [code, count, share.value]),
    );
  });

  it('problems, outcomes and pass@k agree with the summary', () => {
    const [header, ...cells] = parseCsv(problemsCsv(data));
    expect(cells.map((row) => [row[0], Number(row[header!.indexOf('passes')]), Number(row[header!.indexOf('outcome_crash')])])).toEqual(
      data.problems.map(({ taskId, passes, outcomes }) => [taskId, passes, outcomes.crash ?? 0]),
    );
    expect(
      parseCsv(outcomesCsv(data))
        .slice(1)
        .map(([name, count]) => [name, Number(count)]),
    ).toEqual(data.outcomes.map(({ outcome, count }) => [outcome, count]));
    expect(
      parseCsv(passAtKCsv(data))
        .slice(1)
        .map(([k, value]) => [Number(k), Number(value)]),
    ).toEqual(data.passCurve.map(({ k, estimate }) => [k, estimate.value]));
  });

  it('samples: every row, every text back as it was', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('=1+1', '+1', '-1', '@x', "'=1", "''-", '', 'a,b', '"', 'a"b', '\r\n', '\n', ' a ', '＝1'),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { maxLength: 8 }), (pairs) => {
        const samples = pairs.map(([taskId, categoryName], sampleIndex): JudgedSample =>
          sample({ taskId, categoryName, sampleIndex, meanLogprob: -0.25 }),
        );
        const [header, ...cells] = parseCsv([...samplesCsv(samples)].join(''));
        const column = (name: string): number => header!.indexOf(name);
        const readable = (written: string): string => written.replace(/\u0000|\p{Surrogate}/gu, '\ufffd');
        expect(cells).toHaveLength(pairs.length);
        cells.forEach((row, i) => {
          expect(row).toHaveLength(header!.length);
          expect(row[column('task_id')]).not.toMatch(/^[=+\-@\t\r\n＝＋－＠]/);
          expect(unguard(row[column('task_id')]!)).toBe(readable(pairs[i]![0]));
          expect(unguard(row[column('category')]!)).toBe(readable(pairs[i]![1]));
          expect(row[column('mean_logprob')]).toBe('-0.25');
        });
      }),
    );
  });

  it('samples: the codes of published taxonomies, empty where one has none and blank without a category', () => {
    const published = { dou: ['A.1', 'B.2'], tambon: ['Hallucinated Object'], codehalu: [] };
    const [header, ...cells] = parseCsv([...samplesCsv([sample({ published }), sample({ published: null })])].join(''));
    const at = header!.indexOf('category_dou');
    expect(header!.slice(at, at + 3)).toEqual(['category_dou', 'category_tambon', 'category_codehalu']);
    expect(cells.map((row) => row.slice(at, at + 3))).toEqual([
      ['A.1; B.2', 'Hallucinated Object', ''],
      ['', '', ''],
    ]);
  });

  it('areas: a row for each class and measure, with a reason where there is no number', () => {
    const [header, ...cells] = parseCsv(textViewCsv(measured));
    const column = (name: string): number => header!.indexOf(name);
    const areas = measured.textView!.targets.flatMap(({ kind, measures }) => measures.map((area) => ({ kind, area })));
    expect(cells.map((row) => [row[0], row[column('measure')], row[column('pooled_auroc')], row[column('missing')]])).toEqual(
      areas.map(({ kind, area }) => [kind, area.measure, String(area.pooled.value ?? ''), area.missing ?? '']),
    );
    expect(areas.some(({ area }) => area.missing !== null) && areas.some(({ area }) => area.missing === null)).toBe(true);
    expect(parseCsv(textViewCsv(data))).toEqual([header]);
  });

  it('keeps a formula from running', () => {
    const csv = [...samplesCsv([sample({ taskId: HOSTILE.formula })])].join('');
    expect(csv).toContain(`"'=HYPERLINK(""http://127.0.0.1:9/"",""x"")"`);
  });
});

describe('JSON', () => {
  it('has a version, and the numbers of the summary', () => {
    const value = JSON.parse(JSON.stringify(reportJson(data))) as Record<string, unknown>;
    expect(value).toMatchObject({
      schema: 'faultline.report',
      version: REPORT_VERSION,
      experiment: { name: EXPERIMENT.name, model_hash: EXPERIMENT.modelHash, config: { 'strategy.top_p': '0.95' } },
      counts: { samples: rows.length, counted: data.counts.counted, near_limit: data.counts.nearLimit },
      crash_rate: data.crashRate,
      feasibility: { decision: data.feasibility.decision, outside_residual: data.feasibility.outsideResidual },
    });
    expect(value['categories']).toEqual(data.categories.map(({ share, ...category }) => ({ ...category, ...share })));
    expect(value['problems']).toHaveLength(12);
    expect(value['worst']).toHaveLength(5);
  });

  it('speaks snake_case throughout', () => {
    const keys = (value: unknown): string[] =>
      typeof value !== 'object' || value === null
        ? []
        : Array.isArray(value)
          ? value.flatMap(keys)
          : Object.entries(value).flatMap(([key, inner]) => (key === 'config' ? [key] : [key, ...keys(inner)]));
    expect(keys(reportJson(measured)).filter((key) => !/^[a-z0-9_]+$/.test(key))).toEqual([]);
  });

  it('has no number that JSON lacks', () => {
    const walk = (value: unknown): void => {
      if (typeof value === 'number') expect(Number.isFinite(value)).toBe(true);
      else if (typeof value === 'object' && value !== null) Object.values(value).forEach(walk);
    };
    walk(reportJson(measured));
    walk(reportJson(summarise(EXPERIMENT, [], FAST)));
  });

  it('has the text view, and null where no text was measured', () => {
    const view = measured.textView!;
    expect(reportJson(data)['text_view']).toBeNull();
    const value = reportJson(measured)['text_view'] as Record<string, object[]>;
    expect(value).toMatchObject({ samples: view.samples, unmeasured: 0, intervals: view.intervals });
    const [pass] = view.targets;
    expect(value['targets']![0]).toMatchObject({
      target: 'pass',
      against: 'rest',
      samples: pass!.samples,
      measures: pass!.measures.map(({ measure, pooled, mixedProblems }) => ({ measure, pooled, mixed_problems: mixedProblems })),
    });
    expect(value['targets']).toHaveLength(view.targets.length);
    expect(value['categories']).toHaveLength(measured.categories.length);
    const [first] = view.similarFailures;
    expect(value['similar_failures']![0]).toMatchObject({ task_id: first!.taskId, edit_similarity: first!.similarity });
  });
});

describe('areas of the text view', () => {
  const many = judgedSamples(24, 15);
  const areas = summarise(EXPERIMENT, many, { ...FAST, texts: measuredSamples(many) });
  const classes = areas.textView!.targets.filter(({ against }) => against === 'rest');

  it('are drawn as a cell for each class and measure, bold where an interval leaves 0.5 out', async () => {
    const { textView: plot } = await drawPlots(areas);
    expect(classes.length).toBeGreaterThan(2);
    const [, cells] = /<g class="mark-rect role-mark[^>]*>(.*?)<\/g>/s.exec(plot!.svg)!;
    expect(cells!.match(/<path/g)).toHaveLength(classes.length * MEASURES.length);
    const sure = classes
      .flatMap(({ measures }) => measures)
      .filter(({ within: { low, high } }) => low !== null && (low > 0.5 || high! < 0.5));
    expect(sure.length).toBeGreaterThan(0);
    expect(plot!.svg.match(/font-weight="bold"/g)).toHaveLength(sure.length);
    for (const { title } of MEASURES) expect(plot!.svg).toContain(title);
    expect(plot!.svg).not.toContain('NaN');
    expect((await drawPlots(data)).textView).toBeNull();
  });

  it('have a table of the measure that tells each class best, with its interval in print', () => {
    const [header, ...cells] = parseCsv(csvOf('text-view-best')(areas));
    const column = (name: string): string[] => cells.map((row) => row[header!.indexOf(name)]!);
    expect(column('class')).toEqual(classes.map(({ name }) => name));
    const latex = TABLES.find(({ name }) => name === 'text-view-best')!.latex(areas);
    classes.forEach(({ measures }, i) => {
      const distance = (value: number | null): number => (value === null ? -1 : Math.abs(value - 0.5));
      const most = Math.max(...measures.map(({ within }) => distance(within.value)));
      const best = measures.find(({ measure }) => measure === column('measure')[i]);
      if (most < 0) {
        expect(best).toBeUndefined();
        return;
      }
      expect(distance(best!.within.value)).toBe(most);
      expect([column('within_low')[i], column('within_high')[i]].map(Number)).toEqual([best!.within.low, best!.within.high]);
      expect(latex).toContain(areaText(best!.within));
    });
  });

  it('stand in the page for every category, against the rest and from passes', () => {
    const page = renderHtml(areas, NO_PLOTS);
    const [, body] = /<table id="category-areas-table">[^]*?<tbody>([^]*?)<\/tbody>/.exec(page)!;
    const categories = classes.filter(({ kind }) => kind === 'category');
    expect(categories.length).toBeGreaterThan(0);
    expect(body!.match(/<tr>/g)).toHaveLength(categories.length * MEASURES.length);
    for (const { measures } of categories) for (const { within } of measures) expect(body).toContain(areaText(within));
  });
});

describe('terminal text', () => {
  it('without a terminal has neither colours nor bars, and the summary’s numbers', () => {
    const text = renderText(data);
    expect(text).not.toMatch(/[\u001b█]/);
    expect(text).toContain(`pass@1 `);
    const top = [...data.categories].sort((a, b) => b.count - a.count)[0]!;
    const line = text.split('\n').find((each) => each.includes(top.name))!;
    expect(line).toContain(` ${top.count} `);
    expect(line).toContain(percent(top.share.value));
    expect(line).toContain(percentInterval(top.share));
    for (const share of [data.feasibility.outsideResidual, data.feasibility.outsideOther])
      expect(text).toContain(`: ${percent(share.value)}, ${percentInterval(share)}`);
    expect(text.split('\n').every((each) => each.length <= 80)).toBe(true);
  });

  it('on a terminal has bars that fit its width', () => {
    const lines = renderText(data, { terminal: true, width: 100 }).split('\n');
    expect(lines.some((line) => line.includes('█'))).toBe(true);
    expect(lines.every((line) => line.replace(/\u001b\[\d+m/g, '').length <= 100)).toBe(true);
    expect(renderText(data, { terminal: true, width: 40 })).not.toContain('█');
  });

  it('says what it leaves out, and which k had too few samples', () => {
    expect(renderText(data, { most: 2 })).toContain(`and ${data.categories.length - 2} categories more`);
    expect(renderText(summarise(EXPERIMENT, judgedSamples(3, 4), FAST))).toContain(
      'pass@10 needs 10 samples of a problem; there are at most 4',
    );
    expect(renderText(summarise({ ...EXPERIMENT, finishedAt: null }, [], FAST))).toBe('pico-tasks: 0 samples of 0 problems (unfinished)');
  });

  it('says in its second line that it is partial, with or without a sample', () => {
    const second = (samples: readonly JudgedSample[], shards: readonly string[]) =>
      renderText(summarise(EXPERIMENT, samples, { ...FAST, whole: { samples: 1000, problems: 50, shards } })).split('\n')[1];
    expect(second(rows, ['0/4'])).toBe("partial: shard 0/4, 120 of the experiment's 1,000 samples of 50 problems");
    expect(second([], ['0/4', '1/4'])).toBe("partial: shards 0/4, 1/4, 0 of the experiment's 1,000 samples of 50 problems");
    expect(second(rows, [])).toBe("partial: 120 of the experiment's 1,000 samples of 50 problems");
    expect(renderText(summarise(EXPERIMENT, rows, { ...FAST, whole: { samples: 120, problems: 12, shards: [] } }))).toBe(renderText(data));
  });

  it('keeps a number and its percent sign on one line', () => {
    for (let width = 12; width < 40; width++) {
      const lines = wrap('the pass rate is between 33.3 % and 66.7 %, whatever they are', width);
      expect(lines.filter((line) => line.startsWith('%'))).toEqual([]);
      expect(lines.join(' ')).toBe('the pass rate is between 33.3 % and 66.7 %, whatever they are');
    }
  });

  it('does not let names move the cursor', () => {
    const text = renderText(
      summarise(
        { ...EXPERIMENT, name: HOSTILE.control },
        [sample({ outcome: 'crash', categoryCode: '4.1', categoryName: HOSTILE.control })],
        FAST,
      ),
    );
    expect(text).not.toMatch(/[\u0000\u0007\u001b]/);
  });

  it('says where a sample was busy that met its limit, in the program alone, and marks no line for it', () => {
    const show = (stack: Measurements['stack']): string => {
      const verdict = verdictOf({ status: 'limit', resource: 'cpu', exception: null });
      const given = sample({ outcome: 'resource', verdict: { ...verdict, measurements: { ...verdict.measurements, stack } } });
      return sampleText('study', given, [], { colours: picocolors.createColors(false), most: 8 });
    };
    const inSample = { where: 'sample', function: HOSTILE.control, line: 2 } as const;
    const inLibrary = { where: 'library', function: 'heapify', line: 9 } as const;
    const text = show([{ where: 'prompt', function: 'solve', line: 1 }, inSample, inLibrary]);
    expect(text).toMatch(/^busy at +line 2 in .* when it met the limit; another run may stop elsewhere$/m);
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]|heapify|^>/m);
    for (const nothing of [null, [inLibrary]]) expect(show(nothing)).not.toContain('busy at');
  });

  it('says in how many calls a sample changed its arguments, where it did', () => {
    const show = (changedCalls: number | null): string => {
      const given = sample({ verdict: verdictOn({ status: 'passed' }, { calls: 3, changedCalls }) });
      return sampleText('study', given, [], { colours: picocolors.createColors(false), most: 8 });
    };
    expect(show(2)).toMatch(/^arguments +changed by 2 of 3 calls$/m);
    for (const nothing of [0, null]) expect(show(nothing)).not.toContain('arguments');
  });

  it('shows a sample of hostile texts, tokens included, without obeying any', () => {
    const tokens = Object.values(HOSTILE).map((text, token) => ({ token, text, logprob: -token, entropy: 1 }));
    const text = sampleText(HOSTILE.control, hostileSample(), tokens, { colours: picocolors.createColors(false), most: Infinity });

    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/u);
    expect(text.split('\n').filter((line) => line.startsWith('>'))).toHaveLength(1);
    expect(text).toContain('8 tokens');
  });
});

describe('words', () => {
  it('percentages do not round to a certainty they are not', () => {
    expect([0, 0.0004, 0.0005, 0.5, 0.9994, 0.9996, 1, null].map(percent)).toEqual([
      '0.0 %',
      '<0.1 %',
      '0.1 %',
      '50.0 %',
      '99.9 %',
      '>99.9 %',
      '100.0 %',
      '–',
    ]);
  });

  it('codes are ordered by number', () => {
    const ordered = ['4', '4.1', '4.2', '4.2:a', '4.2:b', '4.10', '8.1', 'x.1', null];
    expect([...ordered].sort((a, b) => (String(a) < String(b) ? 1 : -1)).sort(compareCodes)).toEqual(ordered);
  });

  it('every way to fail has a description', () => {
    expect(describeFailure(verdictOf({ status: 'limit', resource: 'blocked', exception: null })).headline).toContain('waiting');
    expect(describeFailure(verdictOf({ status: 'exit', code: 3, via: 'process' })).headline).toBe('the process ended with code 3');
    expect(describeFailure(verdictOf({ status: 'unserialisable', typeName: 'list', reason: 'contains itself' })).headline).toBe(
      'returned a list, which contains itself',
    );
    const exception = {
      type: 'TypeError',
      bases: [],
      message: 'no',
      frames: [],
      line: 7,
      column: null,
      node: null,
      statement: null,
      locals: [],
    };
    expect(describeFailure(verdictOf({ status: 'exception', phase: 'call', exception }))).toMatchObject({
      headline: 'TypeError: no',
      line: 7,
    });
    // The test's own exception points at a line of the test, not of the program.
    expect(describeFailure(verdictOf({ status: 'test_error', exception, assertion: null }))).toMatchObject({ line: null });
  });
});
