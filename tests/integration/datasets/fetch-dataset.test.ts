import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { fetchDataset } from '../../../src/datasets/fetch-dataset.js';
import { loadProblems } from '../../../src/datasets/problems.js';
import { datasets } from '../../../src/datasets/registry.js';
import { FaultlineError } from '../../../src/errors.js';
import { deadUrl, sendWithRanges, startServer, type TestServer } from './server.js';

const shared = resolve(import.meta.dirname, '../../../../shared/datasets');
const scratch = mkdtempSync(join(tmpdir(), 'faultline-fetch-'));
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});
const servers: TestServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});
let counter = 0;
const newHome = () => join(scratch, `home-${counter++}`);
const refusal = async (promise: Promise<unknown>): Promise<FaultlineError> => {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FaultlineError);
  return error as FaultlineError;
};

describe('fetchDataset', () => {
  it('has its names offered, its bundled ones left alone', async () => {
    const error = await refusal(fetchDataset('humanevall'));
    expect([error.kind, error.hint]).toEqual(['usage', 'Use one of humaneval.']);
    expect((await fetchDataset('pico-tasks')).how).toBe('present');
  });

  it('without a network: names the file, its origin and where to put it', async () => {
    const home = newHome();
    const error = await refusal(fetchDataset('humaneval', { home, url: await deadUrl() }));
    expect(error.kind).toBe('environment');
    for (const part of [
      'HumanEval.jsonl.gz',
      'https://github.com/openai/human-eval/raw/master/data/HumanEval.jsonl.gz',
      join(home, 'datasets', 'HumanEval.jsonl.gz'),
      'faultline data fetch humaneval',
    ])
      expect(error.hint).toContain(part);
  });

  it('refuses a local file that is not the dataset', async () => {
    const file = join(scratch, 'other.jsonl.gz');
    writeFileSync(file, 'something else');
    const error = await refusal(fetchDataset('humaneval', { home: newHome(), from: file }));
    expect([error.kind, error.place.file]).toEqual(['input', file]);
    expect((await refusal(fetchDataset('mbpp', { home: newHome(), from: join(scratch, 'nowhere') }))).message).toMatch(/no such file/);
  });

  describe.skipIf(!existsSync(shared))('with the real files (needs ../shared/datasets)', () => {
    it.each(datasets.filter((row) => row.url !== null))('downloads $name, checks it, and loads it by name', async (row) => {
      const content = readFileSync(join(shared, row.file));
      const server = await startServer((request, response) => {
        sendWithRanges(request, response, content);
      });
      servers.push(server);
      const home = newHome();
      expect((await refusal(loadProblems(row.name, { home }))).hint).toBe(`Run: faultline data fetch ${row.name}`);
      expect((await fetchDataset(row.name, { home, url: `${server.url}/x` })).how).toBe('downloaded');
      expect((await fetchDataset(row.name, { home, url: `${server.url}/x` })).how).toBe('present');
      const set = await loadProblems(row.name, { home });
      expect([set.name, set.problems.length, set.hash]).toEqual([row.name, row.problems, row.sha256]);
    });

    it('copies a local file', async () => {
      const home = newHome();
      const copy = join(scratch, 'my-copy');
      copyFileSync(join(shared, 'mbpp.jsonl'), copy);
      expect((await fetchDataset('mbpp', { home, from: copy })).how).toBe('copied');
      expect((await fetchDataset('MBPP', { home, from: copy })).how).toBe('present');
      expect((await loadProblems('mbpp', { home, count: 3 })).problems.map((problem) => problem.taskId)).toEqual([
        'MBPP/1',
        'MBPP/2',
        'MBPP/3',
      ]);
    });
  });
});
