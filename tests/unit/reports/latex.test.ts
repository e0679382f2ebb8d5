/** LaTeX of the report: whatever the texts are, it prints them and obeys none. Compiles nothing: a strict reader stands in for TeX. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bySetting } from '../../../src/reports/analysis/by-setting.js';
import { difference } from '../../../src/reports/difference.js';
import { latexCode, latexTable, latexText } from '../../../src/reports/render/latex.js';
import { STRATEGY_TABLES, TABLES } from '../../../src/reports/render/tables/index.js';
import { strategyComparison, type StrategyComparison } from '../../../src/reports/strategy-comparison.js';
import { summarise } from '../../../src/reports/summary.js';
import {
  CATEGORIES,
  EXPERIMENT,
  HOSTILE,
  analysedReport,
  hostileSample,
  judgedSamples,
  measuredSamples,
  placed,
} from './judged-samples.js';

/** Commands that text may become, all of pdfLaTeX's own, and those of a table. */
const OF_TEXT =
  /^(textbackslash|textasciicircum|textasciitilde|textless|textgreater|textbar|textasciigrave|textquote(left|right)|textquotedbl(left|right)|texttt|dots|times|pm|le|ge|allowbreak|[{}$&#%_])$/;
const OF_TABLE =
  /^(begin|end|caption|label|centering|toprule|midrule|bottomrule|endfirsthead|endhead|endfoot|linewidth|small|setlength|tabcolsep|raggedright|arraybackslash|begingroup|endgroup|\\)$/;

/** Commands and what else LaTeX obeys, with every group and environment closed. Fails on what would stop TeX or change the document. */
function obeyed(latex: string, allowed: (command: string) => boolean): string[] {
  const found: string[] = [];
  const open: string[] = [];
  for (const [token] of latex.matchAll(/\\(?:[A-Za-z]+|[^])|[^]/g)) {
    if (token.startsWith('\\')) {
      expect(allowed(token.slice(1)), token).toBe(true);
      found.push(token.slice(1));
    } else if (token === '{' || (token === '$' && open.at(-1) !== '$')) open.push(token);
    else if (token === '}') expect(open.pop()).toBe('{');
    else if (token === '$') expect(open.pop()).toBe('$');
    else {
      expect('^#_%'.includes(token), token).toBe(false);
      if (token === '&') found.push('next column');
      // What pdfLaTeX has no glyph for stops it.
      expect(/[ -~\n]|[À-ÖØ-ïñ-öø-ýÿ]/.test(token), JSON.stringify(token)).toBe(true);
    }
  }
  expect(open).toEqual([]);
  return found;
}

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('\\', '{', '}', '$', '&', '#', '%', '_', '^', '~', '"', "'", '-', '`', '\n', 'é', '–', '日') }),
  fc.constantFrom(...Object.values(HOSTILE)),
);

describe('text', () => {
  it('is printed and never obeyed', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(obeyed(latexText(text), (command) => OF_TEXT.test(command))).not.toContain('next column');
        obeyed(latexCode(text), (command) => OF_TEXT.test(command));
      }),
    );
  });

  it('keeps what a reader sees', () => {
    expect(latexText('a_b 50 % – x≥2 é')).toBe('a\\_b 50 \\% -- x$\\ge$2 é');
    expect(latexText("--only ''x''")).toBe("-{}-only '{}'x'{}'");
    expect(latexText('日\u202e\n')).toBe('\\texttt{U+65E5}\\texttt{U+202E}\\texttt{U+000A}');
    expect(latexText('\\input{/etc/passwd}')).toBe('\\textbackslash{}input\\{/etc/passwd\\}');
    expect(latexCode('0123456789abcdef0')).toBe('\\texttt{01234567\\allowbreak{}89abcdef\\allowbreak{}0}');
    expect(latexCode('limits.cpu_seconds = 3')).toBe('\\texttt{limits.\\allowbreak{}cpu\\_\\allowbreak{}seconds = \\allowbreak{}3}');
  });
});

/** Cells of the body's rows, and the number of columns that the table says it has. */
function read(latex: string): { columns: number; rows: string[][] } {
  const [, kind, format, body] = /\\begin\{(tabular|longtable)\}\{((?:[lr]|(?:>\{[^}]*\})?p\{[^}]*\})+)\}\n([^]*)\\end\{\1\}/.exec(latex)!;
  expect(latex.match(/\\begin\{(\w+)\}/g)).toHaveLength(kind === 'tabular' ? 2 : 1);
  const rows = body!
    .split('\n')
    .filter((line) => line.endsWith(' \\\\') && !line.startsWith('\\caption'))
    .map((line) => line.slice(0, -3).split(' & '));
  return { columns: format!.replace(/>?\{[^}]*\}/g, '').length, rows };
}

describe('tables', () => {
  const samples = [...judgedSamples(60, 6), ...[0, 1, 2].map((sampleIndex) => hostileSample({ sampleIndex }))];
  const data = analysedReport(placed(samples), {
    experiment: { ...EXPERIMENT, name: HOSTILE.script, config: JSON.stringify({ [HOSTILE.svg]: HOSTILE.script, 'a\\b': '%{' }) },
    categories: CATEGORIES,
    texts: measuredSamples(samples),
    resamples: 199,
  });

  const strategies = (): StrategyComparison => {
    const questions = new Map(samples.map(({ taskId }) => [taskId, taskId]));
    const sides = [HOSTILE.script, HOSTILE.svg].map((label) => ({
      label,
      hash: label,
      temperature: label,
      questions,
      draws: label,
      marks: [],
      samples,
    }));
    const pair = { experiment: HOSTILE.svg, difference: difference(samples, samples, { resamples: 199 }) };
    return strategyComparison(bySetting(sides, [], { resamples: 199 }), HOSTILE.script, [pair]);
  };

  it.each([
    ...TABLES.map((table) => [table.name, () => table.latex(data)] as const),
    ...STRATEGY_TABLES.map((table) => [table.name, () => table.latex(strategies())] as const),
  ])('%s: booktabs, balanced, all rows as wide as the head, no command but its own', (name, render) => {
    const latex = render();
    const structure = latex.replace(/^% needs .*\n/, '').replaceAll(/ & | \\\\$/gm, '');
    obeyed(structure, (command) => OF_TEXT.test(command) || OF_TABLE.test(command));
    const { columns, rows } = read(latex);
    expect(rows.length).toBeGreaterThan(1);
    for (const row of rows) expect(row).toHaveLength(columns);
    expect(latex).toContain(`\\label{tab:${name}}`);
    expect(latex).toMatch(/\\caption\{[^\n]+\}\\label/);
    for (const rule of ['toprule', 'midrule', 'bottomrule']) expect(latex).toContain(`\\${rule}`);
    expect(latex).not.toContain('\\hline');
  });

  it('begin no row with what the row end or the rule before it reads as its own: a length, a star', () => {
    const rows = [['[easy]/1', '[2]'], ['* any', '*'], ['plain', '[']]; // prettier-ignore
    const taken = /\\(?:\\|(?:top|mid|bottom)rule)\s*[[*]/;
    for (const wraps of [false, true]) {
      const columns = ['[unit]', '*'].map((title) => ({ title, numeric: false, wraps }));
      for (const many of [rows, Array.from({ length: 15 }, () => rows).flat()]) {
        const latex = latexTable({ caption: 'a', label: 'b', columns, rows: many });
        expect(latex).not.toMatch(taken);
        expect(read(latex.replaceAll('\\allowbreak{}', '')).rows.slice(-4)).toEqual([
          many === rows ? ['{}[unit]', '*'] : ['plain', '['],
          ['{}[easy]/1', '[2]'],
          ['{}* any', '*'],
          ['plain', '['],
        ]);
      }
    }
    const problems = data.problems.map((row, i) => ({ ...row, taskId: `${'[*'[i % 2]!}${row.taskId}` }));
    expect(TABLES.find(({ name }) => name === 'problems')!.latex({ ...data, problems })).not.toMatch(taken);
  });

  it('print the numbers of the summary', () => {
    const { rows } = read(TABLES.find(({ name }) => name === 'categories')!.latex(data));
    expect(rows.slice(1).map(([code, , failures]) => [code, failures])).toEqual(
      data.categories.map(({ code, count }) => [code, String(count)]),
    );
  });

  it('are long tables where they may not fit a page', () => {
    const problems = TABLES.find(({ name }) => name === 'problems')!.latex(data);
    expect(problems).toContain('\\begin{longtable}');
    // Its head twice: on the first page and on the others.
    expect(read(problems).rows).toHaveLength(data.problems.length + 2);
  });

  it('are whole without any sample', () => {
    const empty = summarise(EXPERIMENT, [], { categories: CATEGORIES });
    for (const table of TABLES) {
      read(table.latex(empty));
      expect(table.csv(empty).split('\r\n').length).toBeGreaterThanOrEqual(2);
    }
  });

  it('have one label each', () => {
    // Those of strategies may stand in one paper with those of a report.
    const names = [...TABLES, ...STRATEGY_TABLES].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(latexTable({ caption: 'a', label: 'b', columns: [], rows: [] })).toContain('\\label{tab:b}');
  });
});
