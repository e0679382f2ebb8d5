/**
 * The CPU's kernels from outside: what `doctor` says of them, FAULTLINE_FORCE_ISA, experiments and files in bfloat16, which never mix two
 * kernel families, and in int8, which are the same under all. What the kernels compute is tests/native/ops_gemm_test.cc's and ops_int8_test.cc's.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { deviceReport, engineReport, type EngineReport } from '../../../src/engine/doctor.js';
import type { DoctorReport } from '../../../src/pipeline/doctor.js';
import { Store } from '../../../src/store/store.js';
import { faultline, finished, scratchFolder, start, until } from './faultline.js';

const folder = scratchFolder();
const best = engineReport();
const run = (outputs: string, isa?: string, dtype = 'bfloat16') =>
  faultline(
    [
      'run',
      ...['--num-problems', '1', '--samples', '3', '--max-new-tokens', '8', '--dtype', dtype, '--device', 'cpu'],
      ...['--outputs', path.join(folder, outputs)],
    ],
    { env: isa === undefined ? {} : { FAULTLINE_FORCE_ISA: isa } },
  );
/** A family and an instruction set that are not this CPU's. */
const other = best.kernelFamily === 'amx-2' ? { family: 'dpbf16-2', isa: 'avx512bf16' } : { family: 'amx-2', isa: 'amx' };
/** The instruction sets that this CPU can be told to do as. */
const usable = best.candidates.filter(({ refused }) => refused === null || refused.endsWith('is better')).map(({ isa }) => isa);
/** What FAULTLINE_FORCE_ISA takes, worst first. */
const names = ['scalar', 'neon', 'avx2', 'avxvnni', 'avx512', 'avx512vnni', 'avx512bf16', 'amx'];
const database = (outputs: string) => path.join(folder, outputs, 'faultline.db');

/** Leaves the run one sample to do, and the experiment with other kernels where `then` is given. */
function rewind(outputs: string, then?: { family: string; isa: string }): void {
  const db = new Database(database(outputs));
  db.exec('DELETE FROM samples WHERE id = (SELECT max(id) FROM samples)');
  if (then !== undefined) db.prepare('UPDATE experiments SET kernel_family = ?, isa = ?').run(then.family, then.isa);
  db.close();
}
function recorded(outputs: string) {
  using store = Store.open(database(outputs), { readonly: true });
  const [experiment] = store.experiments();
  return { experiment: experiment!, digest: store.resultDigest(experiment!.id) };
}

describe('doctor', () => {
  it('names the picked kernels, and for every other instruction set why not', async () => {
    const { out } = await faultline(['doctor', '--json']);
    const { engine } = JSON.parse(out) as { engine: EngineReport };
    expect(engine).toEqual(best);
    expect(engine.candidates.map(({ isa }) => isa)).toEqual(names.toReversed());
    expect(engine.candidates.filter(({ picked }) => picked).map(({ isa }) => isa)).toEqual([engine.isa]);
    expect(engine.candidates.every(({ picked, refused }) => (picked ? refused === null : refused !== null && refused.length > 10))).toBe(
      true,
    );
    const families: Record<string, string> = { amx: 'amx', avx512bf16: 'dpbf16' };
    const product = engine.kernels.find(({ op }) => op === 'gemm_bf16');
    expect(engine.kernelFamily).toBe(`${families[product!.isa] ?? 'fma'}-2`);
  });
});

describe('FAULTLINE_FORCE_ISA', () => {
  const generate = (isa: string) =>
    faultline(['generate', '--samples', '1', '--device', 'cpu', '--out', path.join(folder, 'never')], {
      env: { FAULTLINE_FORCE_ISA: isa },
    });

  it('ends with the valid names where it names none', async () => {
    const { code, err } = await generate('sse9');
    expect([code, err]).toEqual([
      2,
      expect.stringContaining(`FAULTLINE_FORCE_ISA=sse9 is no instruction set; valid are ${names.join(', ')}`),
    ]);
  });

  it('that is wrong has doctor end as any command would, and list what there is', async () => {
    const examine = async (isa: string) => {
      const { code, out } = await faultline(['doctor', '--json'], { env: { FAULTLINE_FORCE_ISA: isa } });
      const { engine, cuda, missing } = JSON.parse(out) as DoctorReport;
      // The rest of the machine is as it is without the variable.
      expect(cuda).toEqual(deviceReport());
      expect({ ...engine, fault: null }).toEqual(best);
      return { code, engine: missing.filter(({ what }) => what === 'engine') };
    };
    const wrong = await examine('sse9');
    expect(wrong.code).toBe(2);
    expect(wrong.engine).toEqual([
      {
        what: 'engine',
        kind: 'usage',
        reason: `FAULTLINE_FORCE_ISA=sse9 is no instruction set; valid are ${names.join(', ')}`,
        hint: 'Set FAULTLINE_FORCE_ISA to one of them, or unset it.',
      },
    ]);
    const refused = best.candidates.find(({ isa }) => isa === (best.isa === 'neon' ? 'avx2' : 'neon'))!;
    const impossible = await examine(refused.isa);
    expect(impossible.code).toBe(4);
    expect(impossible.engine).toMatchObject([
      { kind: 'environment', reason: `FAULTLINE_FORCE_ISA=${refused.isa} cannot be used here: ${refused.refused!}` },
    ]);
  });

  const impossible = best.candidates.filter(({ refused }) => refused !== null && !refused.endsWith('is better'));
  it.each(impossible.map(({ isa, refused }) => [isa, refused!]))('ends with the reason where this CPU cannot: %s', async (isa, refused) => {
    const { code, err } = await generate(isa);
    expect([code, err]).toEqual([4, expect.stringContaining(`FAULTLINE_FORCE_ISA=${isa} cannot be used here: ${refused}\nhint: Unset`)]);
  });
});

describe('an experiment in bfloat16', () => {
  it('records its family, and goes on under that one', async () => {
    expect((await run('best')).code).toBe(0);
    const whole = recorded('best');
    expect(whole.experiment).toMatchObject({
      kernelFamily: best.kernelFamily,
      isa: best.kernels.find(({ op }) => op === 'gemm_bf16')!.isa,
    });
    rewind('best');
    expect((await run('best')).code).toBe(0);
    expect(recorded('best').digest).toBe(whole.digest);
  });

  it('does not go on under another, and names both and the ways out', async () => {
    expect((await run('moved')).code).toBe(0);
    rewind('moved', other);
    const { code, err } = await run('moved');
    expect(code).toBe(4);
    expect(err).toContain(`was begun with bfloat16 kernels ${other.family}, and here it is ${best.kernelFamily}\nhint: To go on, `);
    expect(err).toContain(`continue with --device cpu and FAULTLINE_FORCE_ISA=${other.isa} on a CPU that has it (kernels ${other.family})`);
    expect(err).toContain('use model.dtype float32, or begin a new experiment with --experiment NAME or another --db');
  });

  it('of the family fma goes on on a better CPU that is told to do the same', async () => {
    expect((await run('lower', 'scalar')).code).toBe(0);
    const whole = recorded('lower');
    expect(whole.experiment).toMatchObject({ kernelFamily: 'fma-2', isa: 'scalar' });
    rewind('lower');
    const untold = await run('lower');
    if (best.kernelFamily === 'fma-2') {
      expect(untold.code, untold.err).toBe(0);
    } else {
      expect(untold).toMatchObject({ code: 4, err: expect.stringContaining('FAULTLINE_FORCE_ISA=scalar on a CPU that has it') as string });
      const fma = best.candidates.find(({ isa, refused }) => /^(avx512|avx2)$/.test(isa) && (refused?.endsWith('is better') ?? true));
      const told = await run('lower', fma?.isa ?? 'scalar');
      expect(told.code, told.err).toBe(0);
    }
    expect(recorded('lower').digest).toBe(whole.digest);
  });
});

describe('an experiment in int8', () => {
  const int8 = (outputs: string, isa?: string) => run(outputs, isa, 'int8');

  it('is recorded, and is the same under every instruction set of this CPU', async () => {
    expect(usable).toContain('scalar');
    const digests = new Set<string>();
    for (const isa of usable) {
      const { code, err } = await int8(`int8-${isa}`, isa);
      expect(code, err).toBe(0);
      const { experiment, digest } = recorded(`int8-${isa}`);
      // avx512bf16 has no int8 product of its own.
      const product = isa === 'avx512bf16' && usable.includes('avx512vnni') ? 'avx512vnni' : isa;
      expect(experiment).toMatchObject({ dtype: 'int8', kernelFamily: 'int8-2', isa: product });
      digests.add(digest);
    }
    expect(digests.size).toBe(1);
    expect((await run('float32', undefined, 'float32')).code).toBe(0);
    expect(digests).not.toContain(recorded('float32').digest);
  });

  it('goes on under another instruction set', async () => {
    expect((await int8('int8-moved', 'scalar')).code).toBe(0);
    const whole = recorded('int8-moved').digest;
    rewind('int8-moved');
    const { code, err } = await int8('int8-moved');
    expect(code, err).toBe(0);
    expect(recorded('int8-moved').digest).toBe(whole);
    // The same device and the same results: nothing to tell.
    using store = Store.open(database('int8-moved'), { readonly: true });
    expect(store.notes(store.experiments()[0]!.id)).toEqual([]);
  });

  it('does not go on where it was begun before keys and values were kept in bfloat16', async () => {
    expect((await int8('int8-older')).code).toBe(0);
    rewind('int8-older', { family: 'int8', isa: best.isa });
    const { code, err } = await int8('int8-older');
    expect(code).toBe(4);
    expect(err).toContain(
      'was begun with int8 kernels int8, and here it is int8-2\nhint: To go on, continue with the version of faultline',
    );
  });

  it('is refused by CUDA, by name', async () => {
    const { code, err } = await faultline(['generate', '--dtype', 'int8', '--device', 'cuda', '--out', path.join(folder, 'no-gpu')]);
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(/^error: CUDA has no int8 kernels\nhint: Use --dtype float32 or bfloat16 on CUDA/),
    ]);
  });
});

describe('an unfinished file of samples', () => {
  const args = (out: string, dtype: string) => [
    'generate',
    ...['--num-problems', '2', '--samples', '60', '--max-new-tokens', '24', '--dtype', dtype, '--device', 'cpu', '--batch', '1'],
    ...['--out', path.join(folder, out)],
  ];
  const text = (name: string): string => readFileSync(path.join(folder, name), 'utf8');

  /** Kills a run when some lines are finished. */
  async function begin(out: string, dtype: string, isa?: string): Promise<void> {
    const child = start(args(out, dtype), { env: isa === undefined ? {} : { FAULTLINE_FORCE_ISA: isa } });
    const end = finished(child);
    const partial = `${out}.partial`;
    await until('some lines are finished', child, () => existsSync(path.join(folder, partial)) && text(partial).split('\n').length > 3);
    child.kill('SIGKILL');
    expect(await end).toMatchObject({ signal: 'SIGKILL' });
  }

  it('in bfloat16 does not go on under another family, names both and the ways out, and is kept', async () => {
    await begin('file.jsonl', 'bfloat16');
    const begun = text('file.jsonl.partial');
    const header = JSON.parse(begun.split('\n', 1)[0]!) as { made_with: { kernelFamily: string; isa: string } };
    expect(header.made_with.kernelFamily).toBe(best.kernelFamily);
    Object.assign(header.made_with, { kernelFamily: other.family, isa: other.isa });
    const moved = `${JSON.stringify(header)}${begun.slice(begun.indexOf('\n'))}`;
    const partial = path.join(folder, 'file.jsonl.partial');
    writeFileSync(partial, moved);
    const { code, err } = await faultline(args('file.jsonl', 'bfloat16'));
    expect(code).toBe(4);
    expect(err).toContain(
      `${partial}: was begun with bfloat16 kernels ${other.family}, and here it is ${best.kernelFamily}\nhint: To go on, ` +
        `continue with --device cpu and FAULTLINE_FORCE_ISA=${other.isa} on a CPU that has it (kernels ${other.family}), ` +
        `use model.dtype float32, or begin anew with ${partial} removed or with another --out than `,
    );
    expect(text('file.jsonl.partial')).toBe(moved);

    writeFileSync(partial, begun);
    expect((await faultline(args('file.jsonl', 'bfloat16'))).code).toBe(0);
    expect((await faultline(args('whole.jsonl', 'bfloat16'))).code).toBe(0);
    expect(text('file.jsonl')).toBe(text('whole.jsonl'));
  });

  it.each(['float32', 'int8'])('in %s goes on under another instruction set, to the same bytes', async (dtype) => {
    await begin(`${dtype}.jsonl`, dtype, 'scalar');
    const { code, out, err } = await faultline([...args(`${dtype}.jsonl`, dtype), '--json']);
    expect(code, err).toBe(0);
    expect((JSON.parse(out) as { resumed: number }).resumed).toBeGreaterThan(1);
    expect((await faultline(args(`${dtype}-whole.jsonl`, dtype))).code).toBe(0);
    expect(text(`${dtype}.jsonl`)).toBe(text(`${dtype}-whole.jsonl`));
  });
});
