/** `faultline show` on the database of a small run: a task's samples, one sample, what it says of wrong names. */
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Store } from '../../../src/store/store.js';
import { manifest, problems, sample } from '../../unit/store/rows.js';
import { faultline, scratchFolder } from './faultline.js';

const folder = scratchFolder();
const db = path.join(folder, 'outputs', 'faultline.db');

interface Listed {
  readonly samples: readonly { sample_index: number; outcome: string; failure: string | null; category_code: string | null }[];
}
interface Shown {
  readonly completion: string;
  readonly tokenCount: number;
  readonly meanLogprob: number;
  readonly token_list: readonly { text: string | null; logprob: number; entropy: number }[];
}

const show = (...args: string[]): ReturnType<typeof faultline> => faultline(['show', ...args, '--db', db]);

beforeAll(async () => {
  const { code, err } = await faultline(['run', '--num-problems', '6', '--samples', '4'], { cwd: folder });
  expect(code, err).toBe(0);
}, 120_000);

describe('faultline show', () => {
  it("lists a task's samples, and shows one with its failing line and its tokens", async () => {
    const { samples } = JSON.parse((await show('Pico/5', '--json')).out) as Listed;
    expect(samples.map(({ sample_index }) => sample_index)).toEqual([0, 1, 2, 3]);
    const crashed = samples.find(({ outcome }) => outcome === 'crash')!;
    const index = String(crashed.sample_index);

    const { out, code } = await show('Pico/5', index, '--tokens');
    expect(code).toBe(0);
    expect(out).toContain(`Pico/5, sample ${index} of pico-gpt2-py-pico-tasks (nucleus): crash, ${crashed.category_code}`);
    expect(out).toContain(crashed.failure);
    const line = /^at +line (\d+), column (\d+)/m.exec(out)!;
    const lines = out.split('\n');
    const marked = lines.findIndex((each) => each.startsWith(`> ${line[1]} `));
    // The caret stands under the column, which is counted from the program's own margin, behind mark, number and two spaces.
    expect(lines[marked + 1]!.indexOf('^')).toBe('> '.length + line[1]!.length + 2 + Number(line[2]) - 1);
    expect(lines[marked + 1]).toMatch(/^ +\^$/);

    const shown = JSON.parse((await show('Pico/5', index, '--json')).out) as Shown;
    expect(shown.token_list).toHaveLength(shown.tokenCount);
    expect(lines.slice(lines.findIndex((each) => each.includes('log-prob.')) + 1).filter(Boolean)).toHaveLength(shown.tokenCount);
    // Tokens spell the completion, after what they repeat of the prompt; and the mean is the stored one.
    const spelled = shown.token_list.map(({ text }) => text).join('');
    expect(spelled).toContain(shown.completion.trim());
    const mean = shown.token_list.reduce((sum, { logprob }) => sum + logprob, 0) / shown.tokenCount;
    expect(mean).toBeCloseTo(shown.meanLogprob, 5);
  });

  it('shows a pass without a mark', async () => {
    const passes = JSON.parse((await faultline(['query', "SELECT task_id, sample_index FROM sample_results WHERE outcome = 'pass' LIMIT 1", '--db', db, '--json'])).out) as { rows: [[string, number]] }; // prettier-ignore
    const [[task, index]] = passes.rows;
    const { out } = await show(task, String(index));
    expect(out).toContain('(nucleus): pass');
    expect(out.split('\n').filter((each) => each.startsWith('>'))).toEqual([]);
  });

  it('says how tokens are spelled where the tokenizer is another one, or not here', async () => {
    const { code, out, err } = await show('Pico/5', '0', '--model', '/no/such/model');
    expect([code, err]).toEqual([0, expect.stringContaining('/no/such/model')]);
    expect(out).toContain('log-prob.');
    expect(out).not.toContain('" return"');
  });

  it('says of a task that nobody has judged yet how to go on, and of --strategy where it was given', async () => {
    const file = path.join(folder, 'unjudged.db');
    using store = Store.open(file);
    const experiment = store.beginExperiment(manifest());
    store.addProblems(experiment.id, problems(1));
    store.addSamples(experiment.id, [sample(problems(1)[0]!, 0)]);
    const said = async (...args: string[]) => (await faultline(['show', 'Task/1', ...args, '--db', file])).err.replace(`${file}: `, '');
    expect(await said()).toBe('error: Task/1 has no judged samples in demo\nhint: Run the experiment to its end first.\n');
    expect(await said('--strategy', 'beam')).toBe(
      'error: Task/1 has no judged samples of strategy beam in demo\nhint: Run the experiment to its end first, or leave --strategy out.\n',
    );
  });

  it('names what there is where a name is wrong', async () => {
    for (const [args, code, message, hint] of [
      [['Nope/1'], 3, 'has no task Nope/1', 'Pico/0 to Pico/5'],
      [['Pico/5', '99'], 3, 'no judged sample 99', '0 to 3'],
      [['Pico/5', 'two'], 2, 'whole number', 'faultline show'],
      [['Pico/5', '--strategy', 'beam'], 3, 'of strategy beam', '--strategy'],
      [['Pico/5', '--experiment', 'other'], 3, 'other', 'pico-gpt2-py-pico-tasks'],
    ] as const) {
      const failed = await show(...args);
      expect([failed.code, failed.out], args.join(' ')).toEqual([code, '']);
      expect(failed.err).toContain(message);
      expect(failed.err.split('hint:')[1]).toContain(hint);
    }
  });
});
