/**
 * The numbers in docs/annotation are what `faultline annotate score` prints about the files beside them.
 * After an intended change: FAULTLINE_UPDATE=1 npx vitest run tests/contract/annotation.test.ts
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTable } from '../../src/reports/annotation/table.js';
import { read, root } from './project.js';

const FOLDER = 'docs/annotation';
const README = `${FOLDER}/README.md`;
const block = /(^```text score\n)([\s\S]*?)(^```$)/m;
const rows = (name: string) => readTable(read(`${FOLDER}/${name}`), name, [], 'table').rows.map(({ cells }) => cells);

describe(README, () => {
  it('shows what `faultline annotate score` prints about the shipped files', () => {
    const files = ['key.csv', 'annotator-a.csv', 'annotator-b.csv'].map((name) => `${FOLDER}/${name}`);
    const run = spawnSync(process.execPath, ['bin/faultline.js', 'annotate', 'score', ...files], { cwd: root, encoding: 'utf8' });
    expect([run.status, run.stderr]).toEqual([0, '']);
    const readme = read(README);
    if (process.env['FAULTLINE_UPDATE'] === '1') {
      fs.writeFileSync(
        path.join(root, README),
        readme.replace(block, (_, open: string, __, close: string) => open + run.stdout + close),
      );
      return;
    }
    expect(block.exec(readme)?.[2] ?? `no block "text score" in ${README}`).toBe(run.stdout);
  });

  it('speaks of every row in which annotators differ, or both differ from the key', () => {
    const labelsOf = (name: string) => new Map(rows(name).map((row) => [row['id'], row['label']]));
    const [a, b] = [labelsOf('annotator-a.csv'), labelsOf('annotator-b.csv')];
    const told = new Set(
      read(README)
        .replace(block, '')
        .match(/\bF\d{3}\b/g),
    );
    const differing = rows('key.csv').filter(({ id, category }) => a.get(id) !== b.get(id) || a.get(id) !== category);
    expect(differing.length).toBeGreaterThan(0);
    expect(differing.map(({ id }) => id!).filter((id) => !told.has(id))).toEqual([]);
  });

  it('has the same rows in all four files', () => {
    const idsOf = (name: string) => rows(name).map((row) => `${row['draw']} ${row['id']}`);
    const ids = idsOf('blind.csv');
    expect(ids).toHaveLength(300);
    for (const name of ['key.csv', 'annotator-a.csv', 'annotator-b.csv']) expect(idsOf(name)).toEqual(ids);
  });
});
