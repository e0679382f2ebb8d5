/**
 * `--device`: a GPU that was asked for and is not there ends the command, `auto` goes on without one and says so. With
 * FAULTLINE_SIMT_LIBRARY naming the emulated backend (tests/native/simt), the whole way through a device as well, whose
 * numbers the native tests hold to the CPU's.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { Store } from '../../../src/store/store.js';
import { faultline, readLines, scratchFolder } from './faultline.js';

const folder = scratchFolder();
const file = (name: string) => path.join(folder, name);
const activations = (out: string, ...more: string[]) => [
  'activations',
  '--tokens',
  '1,2,3',
  '--hooks',
  'logits',
  '--out',
  file(out),
  ...more,
];
const run = (outputs: string, ...more: string[]) => [
  'run',
  ...['--num-problems', '1', '--samples', '3', '--max-new-tokens', '8', '--outputs', file(outputs)],
  ...more,
];

describe('where the library is not there', () => {
  const library = file('libnothing.so');
  const env = { FAULTLINE_CUDA_LIBRARY: library };
  const reason = `CUDA cannot be used: FAULTLINE_CUDA_LIBRARY names ${library}, which is not there`;

  it.each([
    ['activations', activations('never', '--device', 'cuda'), 'never'],
    ['generate', ['generate', '--samples', '1', '--device', 'cuda', '--out', file('never')], 'never'],
    ['run', run('never-run', '--device', 'cuda'), 'never-run'],
  ])('%s --device cuda ends with reason and next step, and does not run on the CPU', async (_, args, out) => {
    const { code, out: printed, err } = await faultline(args, { env });
    expect([code, printed]).toEqual([4, '']);
    expect(err).toBe(`error: ${reason}\nhint: Correct FAULTLINE_CUDA_LIBRARY, or unset it.\n`);
    expect(existsSync(file(out))).toBe(false);
  });

  it('auto goes on with the CPU and says why on standard error', async () => {
    const { code, out, err } = await faultline(activations('auto', '--json'), { env });
    expect([code, err]).toEqual([0, `device: cpu (${reason})\n`]);
    expect(JSON.parse(out)).toMatchObject({ device: 'cpu', deviceName: expect.stringMatching(/./) as string });
  });

  it('--device cpu has nothing to say', async () => {
    expect(await faultline(activations('cpu', '--device', 'cpu'), { env })).toMatchObject({ code: 0, err: '' });
    expect(readFileSync(file('cpu')).equals(readFileSync(file('auto')))).toBe(true);
  });

  it('doctor says so; it is missing only where it was asked for', async () => {
    const plain = await faultline(['doctor', '--json'], { env });
    const hint = 'Correct FAULTLINE_CUDA_LIBRARY, or unset it.';
    const cuda = { usable: false, library, backend: null, devices: [], kernels: [], driver: null, runtime: null, hint };
    const refused = reason.replace('CUDA cannot be used: ', '');
    expect(JSON.parse(plain.out)).toMatchObject({ cuda: { ...cuda, refused }, missing: [] });
    expect(plain.code).toBe(0);
    for (const [args, more] of [
      [['--device', 'cuda'], {}],
      [[], { FAULTLINE_MODEL_DEVICE: 'cuda' }],
    ] as const) {
      const asked = await faultline(['doctor', '--json', ...args], { env: { ...env, ...more } });
      expect(asked.code).toBe(4);
      expect(JSON.parse(asked.out)).toMatchObject({ ok: false, missing: [{ what: 'cuda', reason, hint }] });
    }
  });
});

it('a file that is no library is told apart from none', async () => {
  const library = file('text.so');
  writeFileSync(library, 'no library\n');
  const { code, err } = await faultline(activations('never', '--device', 'cuda'), { env: { FAULTLINE_CUDA_LIBRARY: library } });
  expect(code).toBe(4);
  expect(err).toMatch(
    /^error: CUDA cannot be used: the CUDA library cannot be loaded: .*text\.so.*\nhint: Correct FAULTLINE_CUDA_LIBRARY, .*\n$/,
  );
});

const simt = process.env['FAULTLINE_SIMT_LIBRARY'];
if (simt === undefined) console.warn('skipped: the command line on the emulated device (FAULTLINE_SIMT_LIBRARY does not name its library)');
describe.skipIf(simt === undefined)('on the emulated device', () => {
  const env = { FAULTLINE_CUDA_LIBRARY: simt ?? '' };
  const database = (outputs: string) => file(path.join(outputs, 'faultline.db'));
  const reportOf = (outputs: string) =>
    JSON.parse(readFileSync(file(path.join(outputs, 'pico-gpt2-py-pico-tasks', 'report.json')), 'utf8')) as { experiment: object };

  /** As an interruption would have left it. */
  function forgetSample(outputs: string): void {
    const rows = new Database(database(outputs));
    rows.pragma('foreign_keys = ON');
    rows.exec('DELETE FROM samples WHERE id = 1');
    rows.close();
  }

  function digest(outputs: string): string {
    using store = Store.open(database(outputs), { readonly: true });
    return store.resultDigest(store.experiments()[0]!.id);
  }

  it("float32 has the CPU's bytes", async () => {
    const args = (out: string, device: string) => [
      'generate',
      ...['--num-problems', '2', '--samples', '3', '--max-new-tokens', '8', '--memory', '64MiB', '--logprobs'],
      ...['--device', device, '--out', file(out)],
    ];
    const device = await faultline(args('device.jsonl', 'auto'), { env });
    expect([device.code, device.err]).toEqual([0, expect.stringMatching(/^device: emulated, SIMT emulator.*\n/)]);
    expect((await faultline(args('cpu.jsonl', 'cpu'))).code).toBe(0);
    expect(readLines(file('device.jsonl'))).toHaveLength(6);
    expect(readFileSync(file('device.jsonl'), 'utf8')).toBe(readFileSync(file('cpu.jsonl'), 'utf8'));
  });

  it('a float32 experiment goes on on the CPU, and its run log says so', async () => {
    expect((await faultline(run('exact', '--device', 'cuda'), { env })).code).toBe(0);
    expect(reportOf('exact').experiment).toMatchObject({ device: 'emulated', kernel_family: 'fma', isa: 'sm_90' });
    const whole = digest('exact');
    forgetSample('exact');
    const { code, err } = await faultline(run('exact', '--device', 'cpu'));
    expect(code, err).toBe(0);
    expect(digest('exact')).toBe(whole);
    using store = Store.open(database('exact'), { readonly: true });
    const [experiment] = store.experiments();
    expect(experiment).toMatchObject({ device: 'emulated' });
    expect(store.notes(experiment!.id).map(({ text }) => text)).toEqual([expect.stringMatching(/^continued on cpu, .* \(fma on \w+\)$/)]);
  });

  it('a bfloat16 experiment records its kernels, and does not go on under others', async () => {
    const args = (device: string) => run('rounded', '--dtype', 'bfloat16', '--device', device);
    expect((await faultline(args('cuda'), { env })).code).toBe(0);
    expect(reportOf('rounded').experiment).toMatchObject({
      device: 'emulated',
      device_name: expect.stringMatching(/^SIMT emulator/) as string,
      kernel_family: 'mma2',
      isa: 'sm_90',
    });
    const page = readFileSync(file('rounded/pico-gpt2-py-pico-tasks/report.html'), 'utf8');
    expect(page).toMatch(/bfloat16, kernels mma2 on sm_90 \(SIMT emulator/);
    forgetSample('rounded');
    const { code, err } = await faultline(args('cpu'));
    expect(code).toBe(4);
    expect(err).toMatch(
      /was begun with bfloat16 kernels mma2 on sm_90, emulated, and here it is [\w-]+\nhint: To go on, continue with --device cuda /,
    );
  });

  it('a device that fails is told with its reason', async () => {
    const failing = { ...env, FAULTLINE_SIMT_FAIL: 'no_device' };
    const { code, err } = await faultline(activations('never', '--device', 'cuda'), { env: failing });
    expect([code, err]).toEqual([4, expect.stringMatching(/^error: CUDA cannot be used: there is no CUDA device\nhint: .+\n$/)]);
  });

  it('doctor shows it', async () => {
    const { code, out } = await faultline(['doctor', '--device', 'cuda', '--json'], { env });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      cuda: { usable: true, backend: 'emulated', refused: null, devices: [{ computeCapability: '9.0' }] },
    });
  });
});
