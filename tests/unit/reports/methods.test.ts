/** The methods paragraph says everything that the experiment's row and config say, in every form, and hostile names stay text. */
import { describe, expect, it } from 'vitest';
import { methodsLine } from '../../../src/reports/methods.js';
import { renderHtml } from '../../../src/reports/render/html.js';
import { reportJson } from '../../../src/reports/render/json.js';
import { methodsLatex, methodsText } from '../../../src/reports/render/methods.js';
import type { ReportData } from '../../../src/reports/report-data.js';
import { summarise } from '../../../src/reports/summary.js';
import type { Experiment } from '../../../src/store/types.js';
import { CATEGORIES, EXPERIMENT, HOSTILE, judgedSamples, NO_PLOTS } from './judged-samples.js';

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
  const { config, calibration, categorySettings, ...facts } = data.experiment;
  expect(categorySettings).toEqual([]);
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
  const page = renderHtml(data, NO_PLOTS);
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

  it('for samples that were made elsewhere: nothing of a model, a strategy or our random numbers', () => {
    const row = {
      tokenizerHash: 'imported',
      dtype: 'imported',
      device: 'imported',
      deviceName: 'imported',
      kernelFamily: 'imported',
      isa: 'imported',
    };
    const rows = judgedSamples(3, 4).map((each) => ({ ...each, strategy: 'imported' }));
    const imported = summarise({ ...EXPERIMENT, ...row }, rows, OPTIONS);
    const line = methodsLine(imported);
    expect(line).toContain('we judged 12 samples of 3 problems (');
    expect(line).toContain(
      `which were made elsewhere: their file (SHA-256 of its lines ${EXPERIMENT.modelHash}) does not say by which model`,
    );
    expect(line).toContain(`They were judged on ${EXPERIMENT.cpu}, seed ${EXPERIMENT.seed}. `);
    expect(line).not.toMatch(/we drew|from the model|by the strategy|Philox|tokenizer|The model ran|imported/);
    // The bootstrap and the sandbox are ours.
    expect(line).toContain('Programs ran under Python 3.11.7');
    const page = renderHtml(imported, NO_PLOTS);
    const [environment] = /<dl class="facts-list" id="environment">[^]*?<\/dl>/.exec(page)!;
    expect(environment).toContain('samples of a file');
    expect(environment).not.toMatch(/imported|tokenizer|kernels/);
  });
});

describe('says on which machines', () => {
  const here = { cpu: EXPERIMENT.cpu, cores: 8, memoryBytes: 33_500_000_000, system: 'Linux 6.1.0-13-amd64 x64' };
  const there = { cpu: 'Another CPU', cores: 1, memoryBytes: 2 ** 30, system: 'Linux 5.15.0 x64' };
  const lineOf = (machines: ReportData['machines'], fields: Partial<Experiment> = {}): string =>
    methodsLine(summarise({ ...EXPERIMENT, ...fields }, judgedSamples(2, 3), { ...OPTIONS, machines }));
  /** Names and values of the page's list of the environment. */
  const environmentOf = (machines: ReportData['machines'], fields: Partial<Experiment> = {}): [string, string][] => {
    const page = renderHtml(summarise({ ...EXPERIMENT, ...fields }, judgedSamples(2, 3), { ...OPTIONS, machines }), NO_PLOTS);
    const [environment] = /<dl class="facts-list" id="environment">[^]*?<\/dl>/.exec(page)!;
    return Array.from(environment.matchAll(/<dt>([^<]*)<\/dt>\s*<dd>([^<]*)<\/dd>/g), ([, name, value]) => [name!, value!]);
  };
  const HERE = `${EXPERIMENT.cpu} with 8 cores, 31.2 GiB of memory and Linux 6.1.0-13-amd64 x64`;
  const THERE = 'Another CPU with 1 core, 1.0 GiB of memory and Linux 5.15.0 x64';

  it('samples were drawn and programs ran: one', () => {
    const line = lineOf({ draw: [here], execute: [here] });
    expect(line).toContain(`(instruction set ${EXPERIMENT.isa}) on ${HERE}. `);
    expect(line).toContain('in the isolation tier namespaces on the same machine, judge and candidate');
    expect(line.split(EXPERIMENT.cpu)).toHaveLength(2);
  });

  it('the halves were done: two, the processor of the second beside the calibration that was measured there', () => {
    const line = lineOf({ draw: [here], execute: [there] });
    expect(line).toContain(`on ${HERE}. `);
    expect(line).toContain(
      `in the isolation tier namespaces on ${THERE}, judge and candidate in separate processes, the CPU limit scaled by 1.070 for that machine`,
    );
  });

  it('shards were done: all of them', () => {
    const line = lineOf({ draw: [here, there], execute: [here, there] });
    expect(line).toContain(`on ${HERE} and on ${THERE}. `);
    expect(line).toContain(
      'on the same machines, judge and candidate in separate processes, the CPU limit scaled by 1.070 for the first of these machines',
    );
    const report = summarise({ ...EXPERIMENT, device: 'cuda', deviceName: 'Some GPU' }, judgedSamples(2, 3), {
      ...OPTIONS,
      machines: { draw: [there], execute: [] },
    });
    expect(methodsLine(report)).toContain(`on Some GPU (host: ${THERE}). `);
    expect(reportJson(report)['experiment']).toMatchObject({
      machines: { draw: [{ cpu: 'Another CPU', cores: 1, memory_bytes: 2 ** 30, system: 'Linux 5.15.0 x64' }], execute: [] },
    });
    const page = renderHtml(report, NO_PLOTS);
    expect(page).toMatch(new RegExp(`<dt>drawn on</dt>\\s*<dd>${THERE}</dd>`));
  });

  it('samples of others were judged, and what an older version did not record', () => {
    const imported = lineOf({ draw: [], execute: [here, there] }, { device: 'imported', tokenizerHash: 'imported' });
    expect(imported).toContain(`They were judged on ${HERE} and on ${THERE}, seed`);
    expect(lineOf({ draw: [], execute: [] })).toContain('on a machine that was not recorded, judge');
    expect(lineOf({ draw: [{ ...here, cpu: '' }], execute: [] })).toContain('on an unnamed processor with 8 cores');
  });

  it('a part was made by an older version: its machine is not taken for the one that went on', () => {
    const drawn = { cpu: EXPERIMENT.cpu, cores: 0, memoryBytes: 0, system: '' };
    const executed = { ...drawn, cpu: '' };
    const line = lineOf({ draw: [drawn, there], execute: [executed, there] });
    expect(line).toContain(`on ${EXPERIMENT.cpu} (not further recorded) and on ${THERE}. `);
    expect(line).toContain(
      `in the isolation tier namespaces on a machine that was not recorded and on ${THERE}, judge and candidate in separate processes, the CPU limit scaled by 1.070 for the first of these machines`,
    );
    // Alike, and yet not known to be one.
    const unnamed = lineOf({ draw: [executed, there], execute: [executed, there] });
    expect(unnamed).toContain(`on a machine that was not recorded and on ${THERE}, judge`);
    expect(unnamed).not.toContain('the same machine');
    const imported = lineOf({ draw: [], execute: [drawn, there] }, { device: 'imported', tokenizerHash: 'imported' });
    expect(imported).toContain(`They were judged on ${EXPERIMENT.cpu} (not further recorded) and on ${THERE}, seed`);
    const report = summarise(EXPERIMENT, judgedSamples(2, 3), { ...OPTIONS, machines: { draw: [drawn, there], execute: [] } });
    expect(reportJson(report)['experiment']).toMatchObject({
      machines: { draw: [{ cpu: EXPERIMENT.cpu, cores: null, memory_bytes: null, system: null }, { cores: 1 }] },
    });
  });

  it('one with another kernel and some pages more is one, with both systems', () => {
    const updated = { ...here, memoryBytes: here.memoryBytes + 2 ** 20, system: 'Linux 6.1.0-17-amd64 x64' };
    const BOTH = `${EXPERIMENT.cpu} with 8 cores, 31.2 GiB of memory and the systems Linux 6.1.0-13-amd64 x64 and Linux 6.1.0-17-amd64 x64`;
    const line = lineOf({ draw: [here, updated], execute: [here, updated] });
    expect(line).toContain(`(instruction set ${EXPERIMENT.isa}) on ${BOTH}. `);
    expect(line).toContain('on the same machine, judge and candidate');
    expect(line).toContain('scaled by 1.070 for that machine');
    const moved = { ...here, memoryBytes: here.memoryBytes + 2 ** 20 };
    expect(lineOf({ draw: [here, moved], execute: [] })).toContain(`on ${HERE}. `);
    const larger = { ...here, memoryBytes: 2 * here.memoryBytes };
    expect(lineOf({ draw: [here, larger], execute: [] })).toContain(`on ${HERE} and on ${EXPERIMENT.cpu} with 8 cores, 62.4 GiB`);
    expect(environmentOf({ draw: [here, updated], execute: [] }).filter(([name]) => name === 'drawn on')).toEqual([['drawn on', BOTH]]);
  });

  it('beside the run log, which then tells of kernels and versions alone', () => {
    const otherMachines = ['continued on cpu, Another CPU (fma on avx2), faultline 0.2.0'];
    const told = (machines: ReportData['machines'], fields: Partial<Experiment> = {}): string =>
      methodsLine(summarise({ ...EXPERIMENT, ...fields }, judgedSamples(2, 3), { ...OPTIONS, machines, otherMachines }));
    const differed = `Devices, kernels or versions of faultline differed; the run log says: ${otherMachines[0]!}. `;
    const both = told({ draw: [here, there], execute: [] });
    expect(both).toContain(`on ${HERE} and on ${THERE}. ${differed}`);
    expect(both).not.toContain('Not all of it');
    const imported = told({ draw: [], execute: [here, there] }, { device: 'imported', tokenizerHash: 'imported' });
    expect(imported).toContain(`, seed ${EXPERIMENT.seed}. ${differed}`);
    expect(imported).not.toContain('Not all of them');
    // Whose samples were drawn where nobody recorded it is told by the run log alone.
    expect(told({ draw: [], execute: [there] })).toContain(`on ${EXPERIMENT.cpu}. Not all of it ran there; the run log says: `);
  });

  it('on the page by what they did, and the one where it began only where none are recorded', () => {
    const names = (machines: ReportData['machines'], fields: Partial<Experiment> = {}): string[] =>
      environmentOf(machines, fields).map(([name]) => name).filter((name) => /processor|^(drawn|executed) on$/.test(name)); // prettier-ignore
    expect(names({ draw: [], execute: [there] })).toEqual(['processor', 'executed on']);
    expect(names({ draw: [here], execute: [there] })).toEqual(['drawn on', 'executed on']);
    const imported = { device: 'imported', tokenizerHash: 'imported' };
    expect(names({ draw: [], execute: [there] }, imported)).toEqual(['executed on']);
    expect(names({ draw: [], execute: [] }, imported)).toEqual(['processor']);
  });
});

describe('says what is not as usual', () => {
  it('where parts were made on other machines', () => {
    const lines = [
      'continued on cuda, Some GPU (mma on sm_90)',
      'shard 1/2 from b.db: cpu, Another CPU (fma on avx2), faultline 0.1.0, calibration 1.3',
    ];
    const merged = summarise(EXPERIMENT, judgedSamples(2, 3), { ...OPTIONS, otherMachines: lines });
    expect(methodsLine(merged)).toContain(`on ${EXPERIMENT.cpu}. Not all of it ran there; the run log says: ${lines.join('; ')}. `);
    expect(reportJson(merged)['experiment']).toMatchObject({ other_machines: lines });
    expect(methodsLine(data)).not.toContain('run log');
  });

  it('where a config counts categories in its own way, and where nobody knows', () => {
    const settings = '{"categories.merge":{"8.11":"8.7"},"categories.off":["4.1"]}';
    const counted = summarise({ ...EXPERIMENT, categorySettings: settings }, judgedSamples(2, 3), OPTIONS);
    const line = methodsLine(counted);
    expect(line).toContain(
      'counted as the config says: categories.merge = {"8.11":"8.7"}, categories.off = ["4.1"]; the feasibility decision goes by the taxonomy’s own leaves. ',
    );
    expect(printed(methodsLatex(counted))).toContain('counted as the config says');
    expect(reportJson(counted)['experiment']).toMatchObject({ category_settings: JSON.parse(settings) as object });
    expect(reportJson(data)['experiment']).toMatchObject({ category_settings: {}, other_machines: [] });
    const old = summarise({ ...EXPERIMENT, categorySettings: null }, judgedSamples(2, 3), OPTIONS);
    expect(methodsLine(old)).toContain('(whether a config renamed or merged some was not recorded)');
    expect(reportJson(old)['experiment']).toMatchObject({ category_settings: null });
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
  expect(renderHtml(evil, NO_PLOTS)).not.toMatch(/<script>document/);
});
