/** `faultline run` in pieces: each stage alone with no more than it needs, what it says where its needs are missing, estimates, ready configs. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { beforeAll, describe, expect, it } from 'vitest';
import { engineReport } from '../../../src/engine/doctor.js';
import { thisMachine } from '../../../src/pipeline/machine.js';
import { describeMachines } from '../../../src/reports/methods.js';
import { Store } from '../../../src/store/store.js';
import { faultline, picoModel, scratchFolder } from './faultline.js';

const folder = scratchFolder();
const NAME = 'pico-gpt2-py-pico-tasks';
/** A copy under the same name, so that it is the same experiment, and parts of it can go away. */
const model = path.join(folder, 'pico-gpt2-py');
/** A PATH on which there is node and no python3. */
const bare = path.join(folder, 'bin');
/** This machine where the engine is loaded. */
const drawing = thisMachine(engineReport().cpu);
const withoutPython = { env: { PATH: bare } };

const run = (name: string, ...more: string[]) => {
  const outputs = ['--outputs', path.join(folder, name), '--db', path.join(folder, `${name}.db`)];
  return ['run', '--model', model, '--num-problems', '6', '--samples', '10', '--max-new-tokens', '96', ...outputs, ...more];
};

function stored<T>(name: string, read: (store: Store, id: number) => T): T {
  using store = Store.open(path.join(folder, `${name}.db`), { readonly: true });
  return read(store, store.experiments()[0]!.id);
}
const digest = (name: string) => stored(name, (store, id) => store.resultDigest(id));
/** What was measured, under the samples' own names. */
const measures = (name: string) => stored(name, (store) => store.ask('SELECT * FROM text_measures_by_sample ORDER BY task_id, sample_index', 1000).rows); // prettier-ignore

beforeAll(async () => {
  cpSync(picoModel, model, { recursive: true });
  mkdirSync(bare);
  symlinkSync(process.execPath, path.join(bare, 'node'));
  const { code, err } = await faultline(run('whole'));
  expect(code, err).toBe(0);
});

describe('one stage after another', () => {
  it('ends in what all of them together end in, each with what it needs and no more', async () => {
    const generated = await faultline(run('parts', '--only', 'generate'), withoutPython);
    expect([generated.code, generated.out], generated.err).toEqual([
      0,
      `${NAME}: 60 samples and 0 verdicts in ${path.join(folder, 'parts.db')}\n`,
    ]);
    expect(stored('parts', (store, id) => [store.counts(id).executed, store.experiments()[0]!.pythonVersion, store.experiments()[0]!.finishedAt])).toEqual([0, '', null]); // prettier-ignore
    // Of the outputs, only the trail of the runs.
    expect(readdirSync(path.join(folder, 'parts', NAME))).toEqual(['events.jsonl']);
    const again = await faultline([...run('parts', '--only', 'generate'), '--json'], withoutPython);
    expect(JSON.parse(again.out)).toMatchObject({
      generated: 0,
      report: null,
      directory: null,
      stages: [{ name: 'generate', done: 0, skipped: 60 }],
    });

    // And then taken to another machine, as the row that tells of this one does not show.
    const drawnOn = stored('parts', (store, id) => store.machines(id, 'draw'));
    expect([drawnOn, stored('parts', (store, id) => store.machines(id, 'execute'))]).toEqual([[drawing], []]);
    const rows = new Database(path.join(folder, 'parts.db'));
    rows.exec("UPDATE machines SET cpu = 'A larger CPU', cores = 64");
    rows.close();

    // From here on without weights.
    rmSync(path.join(model, 'model.safetensors'));
    const executed = await faultline([...run('parts', '--only', 'execute'), '--json']);
    expect(executed.code, executed.err).toBe(0);
    expect(JSON.parse(executed.out)).toMatchObject({ generated: 0, executed: 60, stages: [{ name: 'execute', done: 60, skipped: 0 }] });
    const { pythonVersion, isolationTier, calibration, finishedAt } = stored('parts', (store) => store.experiments()[0]!);
    expect(stored('whole', (store) => store.experiments()[0]!)).toMatchObject({ pythonVersion, isolationTier });
    expect([calibration > 0, finishedAt !== null]).toEqual([true, true]);
    expect(digest('parts')).toBe(digest('whole'));
    expect(stored('parts', (store, id) => store.machines(id, 'execute'))).toEqual([thisMachine()]);
    expect(stored('whole', (store, id) => [store.machines(id, 'draw'), store.machines(id, 'execute')])).toEqual([[drawing], [drawing]]);

    const classified = await faultline([...run('parts', '--only', 'classify'), '--json'], withoutPython);
    expect(JSON.parse(classified.out)).toMatchObject({ stages: [{ name: 'classify', done: 0, skipped: 60 }] });

    // A report of what was not measured says so, and which command measures.
    const unmeasured = await faultline([...run('parts', '--only', 'report'), '--json'], withoutPython);
    expect(JSON.parse(unmeasured.out)).toMatchObject({ report: { text_view: null } });
    expect(readFileSync(path.join(folder, 'parts', NAME, 'report.html'), 'utf8')).toContain('faultline run --only measure,report');

    const measured = await faultline([...run('parts', '--only', 'measure'), '--json'], withoutPython);
    expect(JSON.parse(measured.out)).toMatchObject({ generated: 0, executed: 0, stages: [{ name: 'measure', done: 60, skipped: 0 }] });
    expect(measures('parts')).toHaveLength(60);
    expect(measures('parts')).toEqual(measures('whole'));
    expect(digest('parts')).toBe(digest('whole'));

    // And the report without the model.
    rmSync(model, { recursive: true });
    const reported = await faultline(run('parts', '--only', 'report'), withoutPython);
    const whole = await faultline(run('whole', '--only', 'report'), withoutPython);
    expect(reported.code, reported.err).toBe(0);
    expect(reported.out.replaceAll('parts', 'whole')).toBe(whole.out);
    expect(readdirSync(path.join(folder, 'parts', NAME)).sort()).toEqual(readdirSync(path.join(folder, 'whole', NAME)).sort());
    const areas = (name: string) => readFileSync(path.join(folder, name, NAME, 'tables', 'text-view.csv'), 'utf8');
    expect(areas('parts').split('\r\n').length).toBeGreaterThan(32);
    expect(areas('parts')).toBe(areas('whole'));
    const methods = (name: string) => readFileSync(path.join(folder, name, NAME, 'methods.txt'), 'utf8').replace(/\s+/g, ' ');
    expect(methods('parts')).toContain('on A larger CPU with 64 cores, ');
    expect(methods('parts')).toContain(`on ${describeMachines([thisMachine()]).join()}, judge and candidate`);
    expect(methods('whole')).toContain('on the same machine, judge and candidate');

    const lacking = await faultline(run('parts', '--only', 'execute'));
    expect([lacking.code, lacking.err]).toEqual([
      3,
      expect.stringMatching(/the tokens of failing lines need the model's tokenizer: [^]*the weights are not read\.\n$/),
    ]);
    cpSync(picoModel, model, { recursive: true });
  });

  it('decides again from stored verdicts, and reports that', async () => {
    const env = { ...withoutPython.env, FAULTLINE_CATEGORIES_RENAME: '4.1=undefined_name' };
    const { code, out, err } = await faultline([...run('whole', '--from', 'classify'), '--json'], { env });
    expect(code, err).toBe(0);
    const { stages, report } = JSON.parse(out) as { stages: { name: string; done: number }[]; report: { categories: { name: string }[] } };
    expect(stages.map(({ name }) => name)).toEqual(['classify', 'measure', 'report']);
    expect(stages[0]!.done).toBe(stored('whole', (store, id) => [...store.judgedSamples(id, { categoryCode: '4.1' })].length));
    expect(report.categories.map(({ name }) => name)).toContain('undefined_name');
    expect((await faultline(run('whole', '--from', 'classify'), withoutPython)).err).toMatch(
      /classify: \d+ decisions changed, \d+ stand\n/,
    );
    expect(digest('whole')).toBe(digest('parts'));
  });
});

describe('a stage whose needs are missing', () => {
  it.each([
    ['execute', 'execute needs samples, and the database holds nothing of this experiment', 'generate'],
    ['classify', 'classify needs verdicts, and the database holds nothing of this experiment', 'generate'],
    ['measure', 'measure needs samples, and the database holds nothing of this experiment', 'generate'],
    ['report', 'report needs decisions, and the database holds nothing of this experiment', 'generate'],
    ['report,execute', 'execute needs samples, and the database holds nothing of this experiment', 'generate'],
  ])('%s names the one to run first, and makes no database', async (only, reason, first) => {
    const { code, out, err } = await faultline(run('none', '--only', only));
    expect([code, out]).toEqual([3, '']);
    expect(err).toContain(`none.db: the stage ${reason}\nhint: Run first, with the same config and flags: faultline run --only ${first}\n`);
    expect(existsSync(path.join(folder, 'none.db'))).toBe(false);
  });

  it('names the one after what is there', async () => {
    expect((await faultline(run('half', '--only', 'generate'))).code).toBe(0);
    for (const only of ['report', 'classify', 'generate,report']) {
      const { code, err } = await faultline(run('half', '--only', only));
      expect([code, err]).toEqual([3, expect.stringContaining('faultline run --only execute\n')]);
      expect(err).toMatch(/the database holds no (decisions|verdicts) of this experiment/);
    }
    const other = await faultline(run('half', '--only', 'execute', '--seed', '2'));
    expect([other.code, other.err]).toEqual([3, expect.stringContaining('holds nothing of this experiment')]);
    const shard = await faultline(run('half', '--only', 'execute', '--shard', '0/2'));
    expect([shard.code, shard.err]).toEqual([3, expect.stringContaining('does not hold shard 0/2 of this experiment')]);
  });

  it.each([
    [
      ['--only', 'generat'],
      '--only: there is no stage "generat"\nhint: Did you mean generate? Stages are generate, execute, classify, measure, report.',
    ],
    [['--only', 'generate,'], '--only: there is no stage ""\nhint: '],
    [['--from', 'nothing'], '--from: there is no stage "nothing"\nhint: Stages are generate, execute, classify, measure, report.'],
    [['--from', 'execute', '--only', 'report'], '--only and --from are two ways to choose the stages\nhint: Give one of the two.'],
  ])('%j is refused', async (flags, message) => {
    const { code, out, err } = await faultline(run('none', ...flags));
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(message);
  });
});

describe('measuring', () => {
  it('needs samples and nothing else, and does what is not done', async () => {
    expect((await faultline(run('measured', '--only', 'generate'))).code).toBe(0);
    rmSync(model, { recursive: true });
    try {
      const first = await faultline(run('measured', '--only', 'measure'), withoutPython);
      expect([first.code, first.out], first.err).toEqual([
        0,
        `${NAME}: 60 samples and 0 verdicts in ${path.join(folder, 'measured.db')}\n`,
      ]);
      expect(first.err).toContain('measure: 60 samples measured, 0 were there\n');
      const before = measures('measured');
      // As after kill -9 between two batches.
      const database = new Database(path.join(folder, 'measured.db'));
      database.exec('DELETE FROM text_measures WHERE sample_id % 3 = 0');
      database.close();
      const again = await faultline(run('measured', '--only', 'measure'), withoutPython);
      expect(again.err).toContain('measure: 20 samples measured, 40 were there\n');
      expect(measures('measured')).toEqual(before);
    } finally {
      cpSync(picoModel, model, { recursive: true });
    }
  });
});

describe('an estimate', () => {
  it('is printed on request, and nothing is made', async () => {
    const { code, out, err } = await faultline(run('estimated', '--estimate'));
    expect(code, err).toBe(0);
    expect(out).toMatch(
      /^estimate: at most .+, memory up to [\d.]+ [MG]iB, disk \d MiB of .+ free\n {2}generate: at most .+ \(60 samples of up to 96 tokens, [\d,.]+\/s measured\); .+\n {2}execute: about .+ \(60 programs, .+\n {2}classify: about .+ \(60 verdicts, .+\n {2}measure: about .+ \(60 samples, .+ measured on reference solutions; .+\n {2}report: at most .+ \(60 samples of 6 problems in up to 3 categories, .+\n$/,
    );
    const json = await faultline([...run('estimated', '--estimate', '--only', 'generate'), '--json'], withoutPython);
    expect(JSON.parse(json.out)).toMatchObject({ estimate: { stages: [{ stage: 'generate', atMost: true }] } });
    expect(readdirSync(folder).filter((name) => name.startsWith('estimated'))).toEqual([]);
    const before = digest('half');
    const half = await faultline(run('half', '--estimate'));
    expect(half.out).toMatch(
      /^estimate: at most [^\n]*\n {2}execute: about [^\n]*\(60 programs, [^\n]*\n {2}classify: [^\n]*\n {2}measure: about [^\n]* measured on 60 of them\)[^\n]*\n {2}report: at most [^\n]*\n$/,
    );
    expect(digest('half')).toBe(before);
    // What is decided again and written again is never done; nothing is left of the rest.
    const files = readdirSync(path.join(folder, 'whole', NAME));
    const whole = await faultline([...run('whole', '--estimate'), '--json']);
    expect(JSON.parse(whole.out)).toMatchObject({ estimate: { stages: [{ stage: 'classify' }, { stage: 'report', atMost: false }] } });
    expect(readdirSync(path.join(folder, 'whole', NAME))).toEqual(files);
    expect((await faultline(run('whole', '--estimate', '--only', 'generate,execute,measure'))).out).toBe('nothing is left to do\n');
  });

  it('of measuring alone is of the samples that are left, before the first of them and in JSON', async () => {
    const large = (...more: string[]) => run('large', '--max-new-tokens', '8', '--samples', '170', '--json', ...more);
    expect((await faultline(large('--only', 'generate'))).code).toBe(0);
    const asked = await faultline(large('--only', 'measure', '--estimate'), withoutPython);
    expect(JSON.parse(asked.out)).toMatchObject({ estimate: { stages: [{ stage: 'measure', basis: expect.stringMatching(/^1,020 samples, .+ measured on \d+ of them$/) as string }] } }); // prettier-ignore
    const { code, out, err } = await faultline(large('--only', 'measure'), withoutPython);
    expect(code, err).toBe(0);
    expect(err).toMatch(/^estimate: about [^\n]*\n {2}measure: about [^\n]*\(1,020 samples, [^]*\nmeasure \d+\/1020 /m);
    expect(JSON.parse(out)).toMatchObject({ estimate: { stages: [{ stage: 'measure', atMost: false }] } });
    const again = await faultline(large('--only', 'measure'), withoutPython);
    expect(again.err).not.toContain('estimate');
    expect(JSON.parse(again.out)).toMatchObject({ estimate: null, stages: [{ name: 'measure', done: 0, skipped: 1020 }] });
  });

  it('comes before the first sample of a long run, in its JSON too, and not at all where little is left', async () => {
    const long = run('long', '--samples', '20', '--only', 'generate', '--json');
    const { code, out, err } = await faultline(long);
    expect(code, err).toBe(0);
    expect(err).toMatch(/^estimate: [^]*\ngenerate \d+\/120 /);
    expect(JSON.parse(out)).toMatchObject({ generated: 120, estimate: { stages: [{ stage: 'generate' }] } });
    const again = await faultline(long);
    expect(again.err).not.toContain('estimate');
    expect(JSON.parse(again.out)).toMatchObject({ generated: 0, estimate: null });
  });
});

describe('a ready config', () => {
  it('is found by its name, and flags override it', async () => {
    const flags = ['--model', model, '--problems', 'pico-tasks', '--num-problems', '2', '--samples', '3', '--max-new-tokens', '32'];
    const { code, out, err } = await faultline(['run', 'feasibility', ...flags, '--outputs', path.join(folder, 'ready'), '--json']);
    expect(code, err).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      experiment: 'feasibility',
      generated: 6,
      report: { feasibility: { decision: expect.any(String) as string } },
    });
  });

  it('that does not exist is refused with those that do', async () => {
    const { code, err } = await faultline(['run', 'feasability']);
    expect([code, err]).toEqual([
      3,
      'error: feasability: no such file, and no ready config of that name\nhint: Did you mean feasibility?\n',
    ]);
  });
});
