/**
 * The programs of docs/annotation, executed and decided again: how the leaves of today compare with the labels, beside those of the draw.
 * FAULTLINE_TEST_PYTHON names another interpreter: the leaves are the same from 3.9 to 3.13.
 * After an intended change: FAULTLINE_UPDATE=1 npx vitest run tests/integration/taxonomy/annotated.test.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readTable } from '../../../src/reports/annotation/table.js';
import { ProcessExecutor } from '../../../src/sandbox/process-executor.js';
import { classify } from '../../../src/taxonomy/classify.js';

const FOLDER = new URL('../../../docs/annotation/', import.meta.url);
const README = new URL('README.md', FOLDER);
const table = /(?<=<!-- table: today -->\n)[\s\S]*?(?=<!-- end -->)/;
const rowsOf = (name: string) => readTable(readFileSync(new URL(name, FOLDER), 'utf8'), name, [], 'table').rows.map(({ cells }) => cells);
const byId = (name: string, column: string) => new Map(rowsOf(name).map((row) => [row['id']!, row[column]!]));

let executor: ProcessExecutor;

beforeAll(async () => {
  const python = process.env['FAULTLINE_TEST_PYTHON'];
  executor = await ProcessExecutor.create({ workers: 2, ...(python === undefined ? {} : { python }) });
});

afterAll(async () => {
  await executor.dispose();
});

it('docs/annotation says which rows have another leaf today, and how many have their label', async () => {
  const drawn = byId('key.csv', 'category');
  const today = new Map(
    await Promise.all(
      rowsOf('blind.csv').map(async (row) => {
        const { id, task_id, entry_point, prompt, completion, test, generation_ended_by } = row as Record<string, string> & { id: string };
        const program = { prompt: prompt!, completion: completion!, entryPoint: entry_point! };
        const verdict = await executor.execute({ ...program, taskId: task_id!, test: test!, seed: 1, sampleIndex: 0 });
        return [id, classify({ ...program, verdict, finishReason: generation_ended_by! }).category?.name ?? 'none'] as const;
      }),
    ),
  );
  const [a, b] = [byId('annotator-a.csv', 'label'), byId('annotator-b.csv', 'label')];
  const both = new Map([...a].filter(([id, label]) => b.get(id) === label));
  const right = (leaves: ReadonlyMap<string, string>, labels: ReadonlyMap<string, string>): string =>
    `${[...labels].filter(([id, label]) => leaves.get(id) === label).length} of ${labels.size}`;
  const counted = ([name, leaves]: readonly [string, ReadonlyMap<string, string>]): string =>
    `| ${name} | ${[a, b, both].map((labels) => right(leaves, labels)).join(' | ')} |\n`;
  const moved = [...today].filter(([id, leaf]) => drawn.get(id) !== leaf);
  const text = [
    '\n| rows with the label | annotator-a | annotator-b | both, where they agree |\n| --- | --- | --- | --- |\n',
    ...([['rules of the draw', drawn], ['rules of today', today]] as const).map(counted), // prettier-ignore
    '\n| row | leaf of the draw | leaf of today |\n| --- | --- | --- |\n',
    ...moved.map(([id, leaf]) => `| ${id} | \`${drawn.get(id)!}\` | \`${leaf}\` |\n`),
    '\n',
  ].join('');
  const readme = readFileSync(README, 'utf8');
  if (process.env['FAULTLINE_UPDATE'] === '1')
    writeFileSync(
      README,
      readme.replace(table, () => text),
    );
  else expect(table.exec(readme)?.[0]).toBe(text);
}, 300_000);
