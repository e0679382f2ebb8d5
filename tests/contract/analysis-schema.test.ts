/** `docs/analysis.schema.json` against what `faultline analyze` writes: every field is described, and what is wrong is refused. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { bySetting } from '../../src/reports/analysis/by-setting.js';
import { ANALYSIS_SCHEMA, ANALYSIS_VERSION, analysisJson } from '../../src/reports/render/analysis-json.js';
import type { JudgedSample } from '../../src/store/types.js';
import { CATEGORIES, analysed, judgedSamples, marksOf, measuredSamples, placed, sample } from '../unit/reports/judged-samples.js';
import { root } from './project.js';

type Schema = Record<string, unknown>;
const SCHEMA = JSON.parse(readFileSync(path.join(root, 'docs/analysis.schema.json'), 'utf8')) as Schema;

const compile = (schema: Schema): ValidateFunction => new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(schema);
const validate = compile(SCHEMA);
/** Takes no field that the schema does not name. */
const strictly = compile(closed(SCHEMA) as Schema);

/** The schema with every object that lists its fields closed to others. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return 'properties' in schema && 'type' in schema ? { additionalProperties: false, ...inner } : inner;
}

/** As a reader of the file has it. */
function documentOf(samples: readonly JudgedSample[], { marked = true, measured = true } = {}): Record<string, unknown> {
  const analysis = analysed(samples, {
    categories: CATEGORIES,
    resamples: 99,
    marked,
    ...(measured ? { texts: measuredSamples(samples) } : {}),
  });
  return JSON.parse(JSON.stringify(analysisJson(analysis))) as Record<string, unknown>;
}

/** Of three experiments, two of which are pooled. */
function comparedDocument(): Record<string, unknown> {
  const samples = judgedSamples(6, 5);
  const names = [...new Set(samples.map(({ taskId }) => taskId))];
  const questions = new Map(names.map((name) => [name, name]));
  const sides = [['a', '0.4'], ['b', '1.2'], ['c', '0.4']] as const; // prettier-ignore
  const compared = bySetting(
    sides.map(([label, temperature]) => ({
      label,
      hash: `hash of ${label}`,
      temperature,
      questions,
      draws: label,
      marks: marksOf(samples),
      samples,
    })),
    [
      { key: 'seed', values: ['1', '1', '2'] },
      { key: 'strategy.temperature', values: sides.map(([, temperature]) => temperature) },
    ],
    { resamples: 99 },
  );
  const analysis = { ...analysed(samples, { categories: CATEGORIES, resamples: 99 }), bySetting: compared };
  return JSON.parse(JSON.stringify(analysisJson(analysis))) as Record<string, unknown>;
}

/** With what the taxonomy adds to a failure: its place, a tag, and a leaf of family 1. */
const WHOLE = documentOf(placed(judgedSamples(20, 30)));

describe('the schema of analyses', () => {
  it('names the version that is written', () => {
    expect(SCHEMA['properties']).toMatchObject({ schema: { const: ANALYSIS_SCHEMA }, version: { const: ANALYSIS_VERSION } });
    expect(SCHEMA['title']).toBe(`${ANALYSIS_SCHEMA}, version ${ANALYSIS_VERSION}`);
  });

  it.each<[string, Record<string, unknown>]>([
    ['an ordinary experiment', WHOLE],
    ['one that was not marked or measured', documentOf(judgedSamples(3, 4), { marked: false, measured: false })],
    ['one without samples', documentOf([])],
    ['one sample that passes', documentOf([sample()])],
    ['failures that nobody named', documentOf([sample({ outcome: 'crash' }), sample({ outcome: 'crash', taskId: 'Pico/1' })])],
    ['several experiments', comparedDocument()],
    ['a machine at fault', documentOf([sample({ outcome: 'infra', categoryCode: '0' })])],
  ])('describes every field of %s', (_, document) => {
    strictly(document);
    expect(strictly.errors).toBeNull();
  });

  it('leaves nothing of an ordinary experiment empty, so that the check says something', () => {
    for (const field of ['categories', 'problems', 'worst', 'distributions']) expect(WHOLE[field], field).not.toEqual([]);
    expect(WHOLE['text_view']).not.toBeNull();
    expect(WHOLE['first_divergence']).toMatchObject({ missing: null });
    expect(WHOLE['failure_position']).not.toMatchObject({ position: { count: 0 } });
    expect(WHOLE['hidden_assertions']).toMatchObject({ missing: null });
    expect(WHOLE['co_occurrence']).not.toMatchObject({ tags: [] });
  });

  it('has a comparison only of several experiments, and leaves nothing of it empty', () => {
    expect(WHOLE).not.toHaveProperty('by_setting');
    expect(comparedDocument()['by_setting']).toMatchObject({
      warnings: [{ rule: 'few_problems' }],
      failures: { degrees: expect.any(Number) as number, p: expect.any(Number) as number },
      tables: [
        {
          setting: 'experiment',
          groups: Array.from({ length: 3 }, () => ({
            hidden_assertions: { pass_at_k: [{ k: 1 }, { k: 5 }], missing: null },
            programs: { distinct: { method: 'bca' } },
          })),
          missing: null,
        },
        { setting: 'strategy', groups: [], missing: 'all samples have one strategy: sample' },
        { setting: 'temperature', groups: [{ value: '0.4', experiments: ['a', 'c'] }, { value: '1.2' }], also_differ: ['seed'] },
      ],
    });
  });

  it('takes fields that a later release adds', () => {
    expect(validate({ ...WHOLE, added: 1 })).toBe(true);
    expect(strictly({ ...WHOLE, added: 1 })).toBe(false);
  });

  const feasibility = WHOLE['feasibility'] as Record<string, unknown>;
  it.each<[string, Record<string, unknown>, string]>([
    ['of another version', { version: ANALYSIS_VERSION + 1 }, '/version'],
    ['of another kind', { schema: 'faultline.report' }, '/schema'],
    ['without the decision', { feasibility: { ...feasibility, decision: undefined } }, '/feasibility'],
    ['with a decision that there is not', { feasibility: { ...feasibility, decision: 'maybe' } }, '/feasibility/decision'],
    ['with one share', { feasibility: { ...feasibility, outside_other: undefined } }, '/feasibility'],
    ['without intervals', { crash_rate: { value: 0.5 } }, '/crash_rate'],
    ['without the distribution', { categories: undefined }, ''],
    ['with a dimension too few', { distributions: (WHOLE['distributions'] as unknown[]).slice(1) }, '/distributions'],
    [
      'with an unknown outcome',
      { outcomes: [{ outcome: 'fine', count: 1, value: 1, low: 1, high: 1, method: 'bca' }] },
      '/outcomes/0/outcome',
    ],
    ['with a histogram of nine', { failure_position: { ...(WHOLE['failure_position'] as object), position: { count: 0, quartiles: null, histogram: Array(9).fill(0) } } }, '/failure_position/position/histogram'], // prettier-ignore
    [
      'with a comparison of one',
      { by_setting: { ...(comparedDocument()['by_setting'] as object), experiments: [] } },
      '/by_setting/experiments',
    ],
    ['with a negative count', { programs: { ...(WHOLE['programs'] as object), samples: -1 } }, '/programs/samples'],
  ])('refuses a document %s', (_, change, place) => {
    expect(validate(JSON.parse(JSON.stringify({ ...WHOLE, ...change })))).toBe(false);
    expect(validate.errors!.map(({ instancePath }) => instancePath)).toContain(place);
  });
});
