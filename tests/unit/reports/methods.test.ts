/** The methods paragraph says everything that the experiment's row and config say, in every form, and hostile names stay text. */
import { describe, expect, it } from 'vitest';
import { methodsLine } from '../../../src/reports/methods.js';
import { renderHtml } from '../../../src/reports/render/html.js';
import { reportJson } from '../../../src/reports/render/json.js';
import { methodsLatex, methodsText } from '../../../src/reports/render/methods.js';
import { summarise } from '../../../src/reports/summary.js';
import { CATEGORIES, EXPERIMENT, HOSTILE, judgedSamples } from './judged-samples.js';

const OPTIONS = { categories: CATEGORIES, resamples: 99, software: { faultline: '0.9.1', node: '20.19.5' } };
const data = summarise(EXPERIMENT, judgedSamples(10, 8), OPTIONS);

/** Back from LaTeX to what it prints, for this paragraph's characters. */
const printed = (latex: string): string =>
  latex
    .replace(/^\{\\sloppy\n([^]*)\\par\}\n$/, '$1')
    .replaceAll('\\allowbreak{}', '')
    .replace(/\\texttt\{((?:[^{}\\]|\\[_%])*)\}/g, '$1')
    .replaceAll('\\textquoteright{}', '’')
    .replace(/\\([_%&#])/g, '$1')
    .trimEnd();

it('names every parameter, version, hash, seed and machine', () => {
  const line = methodsLine(data);
  const { config, calibration, ...facts } = data.experiment;
  for (const { key, value } of config) expect(line).toContain(`${key} = ${value}`);
  // A CPU is named once, and the experiment by its hash.
  for (const [key, value] of Object.entries(facts)) if (!['name', 'device'].includes(key)) expect(line, key).toContain(value);
  expect(line).toContain(calibration.toFixed(3));
  for (const part of ['limits.cpu_seconds = 3', 'faultline 0.9.1 on Node 20.19.5', 'by the strategy sample']) expect(line).toContain(part);
  expect(line).toContain(`${data.counts.counted} count`);
  expect(line).not.toMatch(/undefined|null|NaN| {2}/);
});

it('is the same in text, JSON, LaTeX and on the page', () => {
  const line = methodsLine(data);
  expect(methodsText(data).replace(/\n/g, ' ').trimEnd()).toBe(line);
  expect(methodsText(data).split('\n').every((each) => each.length <= 100)).toBe(true); // prettier-ignore
  expect((reportJson(data) as { methods: string }).methods).toBe(line);
  expect(printed(methodsLatex(data))).toBe(line);
  const page = renderHtml(data, { categories: null, problems: null, passAtK: null, failurePosition: null, firstDivergence: null });
  const [, paragraph] = /<p class="methods" id="methods">([^]*?)<\/p>/.exec(page)!;
  expect(paragraph!.replace(/<\/?code>/g, '').trim()).toBe(line);
});

describe('says what is not there', () => {
  it('for an experiment that was only begun', () => {
    const begun = summarise({ ...EXPERIMENT, pythonVersion: '', isolationTier: '', finishedAt: null }, [], { categories: CATEGORIES });
    expect(methodsLine(begun)).toContain('No program has been executed. ');
    expect(methodsLine(begun)).toMatch(/not finished\.$/);
  });

  it('for a part, and on a GPU', () => {
    const part = summarise({ ...EXPERIMENT, device: 'cuda', deviceName: 'Some GPU' }, judgedSamples(2, 3), {
      ...OPTIONS,
      whole: { samples: 40, problems: 4, shards: ['0/2'] },
    });
    expect(methodsLine(part)).toContain('These are a part of an experiment of 40 samples of 4 problems. ');
    expect(methodsLine(part)).toContain(`on Some GPU (host: ${EXPERIMENT.cpu}). `);
  });
});

it('obeys no name', () => {
  const evil = summarise(
    { ...EXPERIMENT, cpu: `\\input{x}${HOSTILE.control}`, config: JSON.stringify({ a: HOSTILE.script }) },
    [],
    OPTIONS,
  );
  expect(methodsLatex(evil)).toContain('\\textbackslash{}input\\{x\\}');
  expect(methodsText(evil)).not.toMatch(/[\u0000\u001b\u0007]/);
  expect(renderHtml(evil, { categories: null, problems: null, passAtK: null, failurePosition: null, firstDivergence: null })).not.toMatch(
    /<script>document/,
  );
});
