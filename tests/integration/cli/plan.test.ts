/** `faultline doctor --plan`, and that a batch which it says does not fit is refused before anything is drawn. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PlanReport } from '../../../src/pipeline/memory-plan.js';
import { Store } from '../../../src/store/store.js';
import { writeBundledGguf } from '../engine/gguf-twin.js';
import { faultline, picoModel, root, scratchFolder } from './faultline.js';

const folder = scratchFolder();
const plan = (...args: string[]) => faultline(['doctor', '--plan', ...args, '--device', 'cpu']);

describe('doctor --plan', () => {
  it('prints parts that add up, for people and for programs', async () => {
    const { code, out, err } = await plan('pico-gpt2-py', '100', '150', '128', '--memory', '1GiB', '--json');
    expect([code, err]).toEqual([0, '']);
    const report = JSON.parse(out) as PlanReport;
    expect(report).toMatchObject({ model: picoModel, samples: 100, promptTokens: 150, newTokens: 128, slots: 100, fits: true, budgetBytes: 2 ** 30 }); // prettier-ignore
    expect(report.activationBytes + report.prefixBytes + 100 * report.suffixBytes).toBe(report.plannedBytes);
    expect(report.mostSlots).toBeGreaterThan(100);
    expect(report.reserveBytes).toBeGreaterThanOrEqual(2 ** 29);
    // Keys and values of 6 layers, 256 wide, in float32, for 128 tokens.
    expect(report.suffixBytes).toBe(2 * 6 * 256 * 4 * 128);
    const text = await plan('pico-gpt2-py', '100', '150', '128', '--memory', '1GiB');
    expect(text.out).toMatch(/^reserve +\d+ MiB of what is free, which no budget may take$/m);
    expect(text.out).toContain(`largest      ${report.mostSlots} samples at a time fit the budget\n`);
  });

  it('plans the same for a GGUF file, and for a folder that holds one, as for the model that it was made from', async () => {
    const only = path.join(folder, 'gguf');
    mkdirSync(only);
    const file = path.join(only, 'pico.gguf');
    writeBundledGguf(file, 'BF16');
    const reportOf = async (model: string) => {
      const { code, out, err } = await plan(model, '100', '150', '128', '--memory', '1GiB', '--json');
      expect([code, err]).toEqual([0, '']);
      // What is free, and so the reserve, changes from one moment to the next.
      return { ...(JSON.parse(out) as PlanReport), model: '', reserveBytes: 0 };
    };
    const expected = await reportOf('pico-gpt2-py');
    expect(await reportOf(file)).toEqual(expected);
    expect(await reportOf(only)).toEqual(expected);
  });

  it('ends with code 4 where not all fit, and names the largest number, which fits', async () => {
    const { code, out, err } = await plan('pico-gpt2-py', '512', '150', '128', '--memory', '64MiB', '--json');
    const { slots, mostSlots, fits } = JSON.parse(out) as PlanReport;
    expect([code, fits, slots]).toEqual([4, false, mostSlots]);
    expect(err).toBe(
      `error: 512 samples at a time do not fit the memory budget; the largest number that does is ${mostSlots}\n` +
        'hint: A run without --batch draws as many as fit, at most 128, and the others as those end. To fit all, raise --memory.\n',
    );
    // More memory than there is cannot be had by asking for more of it.
    const cut = await plan('pico-gpt2-py', '65536', '150', '128', '--memory', '999TiB');
    expect([cut.code, cut.err]).toEqual([4, expect.stringMatching(/To fit all, free memory: a budget is cut to what there is\.\n$/)]);
    // Nor does --batch take so many, whatever the memory.
    const many = await plan('pico-gpt2-py', '1000000', '150', '128', '--memory', '64MiB');
    expect([many.code, many.err]).toEqual([4, expect.stringMatching(/, and the others as those end\.\n$/)]);
    expect((await plan('pico-gpt2-py', String(mostSlots), '150', '128', '--memory', '64MiB')).code).toBe(0);
    expect((await plan('pico-gpt2-py', String(mostSlots + 1), '150', '128', '--memory', '64MiB')).code).toBe(4);
  });

  it('names no number of samples that --batch does not take', async () => {
    const tiny = path.join(root, 'tests/golden/tiny-gpt2');
    const fitting = await plan(tiny, '65536', '1', '1', '--memory', '1GiB');
    expect([fitting.code, fitting.err]).toEqual([0, '']);
    expect(fitting.out).toMatch(/^largest +65536 samples at a time fit the budget; --batch takes no more$/m);
    const { code, err } = await plan(tiny, '70000', '1', '1', '--memory', '1GiB');
    expect([code, err]).toEqual([
      4,
      'error: 70000 samples at a time are more than --batch takes; the largest number is 65536, which fits\n' +
        'hint: A run without --batch draws as many as fit, at most 128, and the others as those end.\n',
    ]);
  });

  it.each([
    ['a prompt without room', ['pico-gpt2-py', '1', '512', '1'], 2, 'a prompt of 512 tokens leaves no room in the context of 512'],
    ['a model that is not there', ['nowhere', '1', '1', '1'], 3, 'nowhere'],
    ['one sample in the least budget there is', ['pico-gpt2-py', '1', '500', '1', '--memory', '16MiB'], 0, ''],
  ])('%s', async (_, args, expected, message) => {
    const { code, err } = await plan(...args);
    expect([code, err]).toEqual([expected, expect.stringContaining(message)]);
  });
});

describe('--batch that does not fit', () => {
  const args = (...more: string[]) => [
    ...['run', '--num-problems', '1', '--samples', '40', '--max-new-tokens', '128', '--device', 'cpu', '--memory', '16MiB'],
    ...['--outputs', folder, ...more],
  ];

  // A Python that is not there: a run which gets as far as the sandbox ends with that.
  it('is an error before anything starts, and the same command with the number that it names goes through', async () => {
    const noPython = ['--python', path.join(folder, 'no-python')];
    const { code, out, err } = await faultline(args('--batch', '40', ...noPython));
    expect([code, out]).toEqual([4, '']);
    const holds = /error: 40 samples at a time need [\d.]+ MiB, but the memory budget is 16\.0 MiB, which holds (\d+)\nhint: Lower --batch to \1, leave it out, or raise --memory\.\n$/.exec(err)?.[1]; // prettier-ignore
    expect(Number(holds), err).toBeGreaterThan(1);
    using store = Store.open(path.join(folder, 'faultline.db'));
    expect(store.experiments()).toEqual([]);
    store.close();
    expect(readdirSync(folder).filter((name) => name !== 'gguf' && !name.startsWith('faultline.db'))).toEqual([]);
    const started = await faultline(args('--batch', holds!, ...noPython));
    expect([started.code, started.err]).toEqual([4, expect.stringContaining('no-python')]);
    const again = await faultline(args('--batch', holds!));
    expect(again.code, again.err).toBe(0);
  });

  it('leaves no file of generate', async () => {
    const out = path.join(folder, 'samples.jsonl');
    const sizes = ['--num-problems', '1', '--samples', '40', '--max-new-tokens', '128', '--device', 'cpu', '--memory', '16MiB'];
    const { code, err } = await faultline(['generate', ...sizes, '--batch', '40', '--out', out]);
    expect([code, err]).toEqual([4, expect.stringContaining('which holds')]);
    expect(readdirSync(folder).filter((name) => name.startsWith('samples.jsonl'))).toEqual([]);
    expect((await faultline(['generate', ...sizes, '--out', out])).code).toBe(0);
    expect(existsSync(out)).toBe(true);
  });
});
