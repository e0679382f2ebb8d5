/** `docs/strategies.schema.json` against what `faultline run --json` prints of strategies: every field is described, and what is wrong is refused. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { runDocument } from '../../src/cli/commands/run.js';
import { differenceJson } from '../../src/pipeline/diff.js';
import type { RunEstimate } from '../../src/pipeline/estimate.js';
import type { RunResult } from '../../src/pipeline/run.js';
import { STRATEGIES_SCHEMA, STRATEGIES_VERSION, strategiesJson, type StrategiesResult } from '../../src/pipeline/run-strategies.js';
import { bySetting } from '../../src/reports/analysis/by-setting.js';
import { difference } from '../../src/reports/difference.js';
import { strategyComparison } from '../../src/reports/strategy-comparison.js';
import type { Experiment, JudgedSample } from '../../src/store/types.js';
import { analysed, CATEGORIES, EXPERIMENT, judgedSamples, marksOf } from '../unit/reports/judged-samples.js';
import { root } from './project.js';

type Schema = Record<string, unknown>;
const read = (name: string): Schema => JSON.parse(readFileSync(path.join(root, 'docs', name), 'utf8')) as Schema;
const ANALYSIS = read('analysis.schema.json');
const SCHEMA = read('strategies.schema.json');

function compile(change: (schema: Schema) => Schema): ValidateFunction {
  const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
  return ajv.addSchema(change(ANALYSIS), 'analysis.schema.json').compile(change(SCHEMA));
}
const validate = compile((schema) => schema);
/** Takes no field that the schemas do not name. */
const strictly = compile((schema) => closed(schema) as Schema);

/** A schema with every object that lists its fields closed to others. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return 'properties' in schema && 'type' in schema ? { additionalProperties: false, ...inner } : inner;
}

const STAGE = { stage: 'generate', seconds: 3, atMost: true, onCpu: true, basis: 'x', memoryBytes: 5, memoryOf: 'y', diskBytes: 6 };
const ESTIMATE: RunEstimate = { seconds: 3, memoryBytes: 5, diskBytes: 6, freeDiskBytes: null, stages: [STAGE] };

const experiment = (name: string): Experiment => ({ ...EXPERIMENT, name, hash: `hash of ${name}` });
const run = (name: string): RunResult & { readonly strategy: string } => ({
  ...{ strategy: name, experiment: experiment(name), report: null, database: 'x.db', directory: 'outputs/x', files: ['report.html'] },
  ...{ shards: [{ index: 0, count: 1 }], samples: 4, judged: 3, generated: 2, executed: 1 },
  stages: [{ name: 'generate', done: 2, skipped: 2, text: 'in words' }],
  estimate: ESTIMATE,
  unjudged: [{ taskId: 'Pico/1', samples: 1, reason: 'its test' }],
  unsupported: [],
});

/** As a reader of the output has it. `perProblem` samples of each problem. */
function documentOf(perProblem: number): Record<string, unknown> {
  const samples = judgedSamples(6, perProblem);
  const others = samples.map((sample, i): JudgedSample =>
    i % 3 === 0 ? { ...sample, outcome: 'pass', categoryCode: null, categoryName: null } : sample,
  );
  const questions = new Map(samples.map(({ taskId }) => [taskId, taskId]));
  const sides = [['a', samples], ['b', others]] as const; // prettier-ignore
  const compared = bySetting(
    sides.map(([label, own]) => ({ label, hash: label, temperature: null, questions, draws: label, marks: marksOf(own), samples: own })),
    [{ key: 'strategy.top_k', values: ['0', '40'] }],
    { resamples: 99 },
  );
  const found = difference(samples, others, { resamples: 99, marks: { first: marksOf(samples), second: marksOf(others) } });
  const result: StrategiesResult = {
    ...{ experiment: 'x', database: 'x.db', strategies: [run('a'), run('b')] },
    estimate: { seconds: 3, memoryBytes: 5, diskBytes: 6, freeDiskBytes: 7, strategies: [{ strategy: 'a', estimate: null }, { strategy: 'b', estimate: ESTIMATE }] }, // prettier-ignore
    comparison: {
      analysis: { ...analysed(samples, { categories: CATEGORIES, resamples: 99 }), bySetting: compared },
      strategies: strategyComparison(compared, 'a', [{ experiment: 'b', difference: found }]),
      pairs: [
        differenceJson({
          first: experiment('a'),
          second: experiment('b'),
          settings: [{ key: 'k', first: '1', second: '2' }],
          difference: found,
        }),
      ],
      ...{ directory: 'outputs/x', files: ['outputs/x/comparison.json'] },
    },
  };
  return JSON.parse(JSON.stringify(strategiesJson(result, runDocument))) as Record<string, unknown>;
}

const WHOLE = documentOf(5);

describe('the schema of strategies', () => {
  it('names the version that is written', () => {
    expect(SCHEMA['properties']).toMatchObject({ schema: { const: STRATEGIES_SCHEMA }, version: { const: STRATEGIES_VERSION } });
    expect(SCHEMA['title']).toBe(`${STRATEGIES_SCHEMA}, version ${STRATEGIES_VERSION}`);
  });

  it.each<[string, Record<string, unknown>]>([
    ['an ordinary comparison', WHOLE],
    ['one sample of a problem', documentOf(1)],
    ['a run without report', { ...WHOLE, comparison: null, differences: null, directory: null, files: [], estimate: null }],
  ])('describes every field of %s', (_, document) => {
    strictly(document);
    expect(strictly.errors).toBeNull();
  });

  it('leaves nothing of them empty, so that the check says something', () => {
    expect(WHOLE).toMatchObject({
      strategies: [{ unjudged: [{}] }, {}],
      differences: { tests: [{ rate: 'pass' }, { rate: 'crash rate' }, { rate: 'hidden pass' }] },
    });
    const [pair] = (WHOLE['differences'] as { pairs: [Record<string, unknown>] }).pairs;
    for (const field of ['settings', 'rates', 'categories', 'changes', 'warnings']) expect(pair[field], field).not.toEqual([]);
    expect(pair['hiddenAssertions']).toMatchObject({ rates: [{ name: 'pass' }, { name: 'hidden pass' }], missing: null });
    expect(pair['programs']).toMatchObject({ rates: [{ name: 'distinct' }, { name: 'pass' }, { name: 'crash rate' }] });
    expect(documentOf(1)).toMatchObject({ differences: { pairs: [{ pairs: { mcnemar: { midP: expect.any(Number) as number } } }] } });
  });

  it('takes fields that a later release adds', () => {
    expect(validate({ ...WHOLE, added: 1 })).toBe(true);
    expect(strictly({ ...WHOLE, added: 1 })).toBe(false);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['of another version', { version: STRATEGIES_VERSION + 1 }, '/version'],
    ['with one strategy', { strategies: [(WHOLE['strategies'] as unknown[])[0]] }, '/strategies'],
    ['without the tests', { differences: { ...(WHOLE['differences'] as object), tests: undefined } }, '/differences'],
    [
      'with another document as the comparison',
      { comparison: { ...(WHOLE['comparison'] as object), schema: 'faultline.report' } },
      '/comparison/schema',
    ],
  ])('refuses a document %s', (_, change, place) => {
    expect(validate(JSON.parse(JSON.stringify({ ...WHOLE, ...change })))).toBe(false);
    expect(validate.errors!.map(({ instancePath }) => instancePath)).toContain(place);
  });
});
