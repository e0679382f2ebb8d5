/** Two stored experiments compared: a problem that is not the same in both is told, and what decides no pass is no difference. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { diffStored } from '../../../src/pipeline/diff.js';
import { Store } from '../../../src/store/store.js';
import type { ProblemRow } from '../../../src/store/types.js';
import { execution, manifest, problems, sample } from '../store/rows.js';

const folder = mkdtempSync(path.join(tmpdir(), 'faultline-diff-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const PROBLEMS = problems(3);

function experiment(name: string, rows: readonly ProblemRow[]): string {
  const file = path.join(folder, `${name}.db`);
  using store = Store.open(file);
  const { id } = store.beginExperiment(manifest({ name, problemsHash: name }));
  store.addProblems(id, rows);
  for (const row of rows) {
    store.addSamples(id, [sample(row, 0)]);
    store.addExecutions(id, [execution(row, 0)]);
  }
  return file;
}

const first = experiment('first', PROBLEMS);
const { values } = loadConfig({ environment: {}, flags: [{ key: 'outputs.database', flag: '--db', text: first }] });
const warningsOf = (name: string, rows: readonly ProblemRow[]): readonly string[] =>
  diffStored(values, ['first', name], experiment(name, rows))
    .difference.warnings.filter(({ rule }) => rule === 'changed_problems')
    .map(({ text }) => text);

describe('diffStored', () => {
  it.each(['prompt', 'test', 'entryPoint'] as const)('warns of a problem of one name with another %s', (part) => {
    const changed = PROBLEMS.map((row, i) => (i === 1 ? { ...row, [part]: `${row[part]}x` } : row));
    expect(warningsOf(`other-${part}`, changed)).toEqual([
      `1 problem of one name has another prompt, entry point or test in the second experiment: ${PROBLEMS[1]!.taskId}.`,
    ]);
  });

  it('says nothing of problems that are the same where it matters, and of those of one alone', () => {
    expect(warningsOf('same', PROBLEMS)).toEqual([]);
    expect(warningsOf('solution', PROBLEMS.map((row) => ({ ...row, canonicalSolution: '    pass\n' })))).toEqual([]); // prettier-ignore
    expect(warningsOf('fewer', PROBLEMS.slice(1))).toEqual([]);
  });
});
