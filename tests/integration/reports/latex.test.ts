/** The report's LaTeX set by pdfLaTeX in an `article`: it compiles, and no line runs over the edge. Skips, and says so, where that is not installed. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeReport } from '../../../src/reports/write-report.js';
import { CATEGORIES, analysedReport, judgedSamples, measuredSamples, placed } from '../../unit/reports/judged-samples.js';

const packages = spawnSync('kpsewhich', ['booktabs.sty', 'longtable.sty', 'array.sty']);
const isThere = spawnSync('pdflatex', ['--version']).status === 0 && packages.status === 0;
if (!isThere) console.warn('skipped: LaTeX of the report (no pdflatex with booktabs found; install texlive-latex-extra)');

describe.skipIf(!isThere)('LaTeX of the report', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'faultline-latex-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('fits the line of an article, whole and without a warning of width', async () => {
    const samples = placed(judgedSamples(60, 20)).map((each, i) => ({ ...each, taskId: each.taskId.replace('Pico', i < 300 ? 'LongDatasetName' : 'HumanEval') })); // prettier-ignore
    await writeReport(folder, analysedReport(samples, { categories: CATEGORIES, texts: measuredSamples(samples), resamples: 199 }));
    const names = readdirSync(join(folder, 'tables')).filter((name) => name.endsWith('.tex'));
    expect(names).toContain('methods.tex');
    // A mark before each file, so that a warning's file is known.
    const document = [
      '\\documentclass{article}',
      '\\usepackage{array,booktabs,longtable}',
      '\\begin{document}',
      ...names.flatMap((name) => [`\\typeout{file ${name}}`, `\\input{tables/${name}}`, '\\clearpage']),
      '\\end{document}',
    ];
    writeFileSync(join(folder, 'all.tex'), document.join('\n'));
    const { status } = spawnSync('pdflatex', ['-interaction=nonstopmode', '-halt-on-error', 'all.tex'], { cwd: folder });
    const log = readFileSync(join(folder, 'all.log'), 'utf8');
    expect(log.match(/^(file .*|! .*|Overfull .hbox.*)$/gm)).toEqual(names.map((name) => `file ${name}`));
    expect(status).toBe(0);
  });
});
