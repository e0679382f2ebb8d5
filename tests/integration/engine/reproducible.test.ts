/**
 * A sample depends on its seed, prompt and index, and on nothing else, compared by the bits of its log-probabilities: on the bundled
 * model, in every dtype, and in float32 and int8 under every instruction set that this CPU has. The command line's half is `cli/shard.test.ts`.
 */
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PLAIN_SAMPLING } from '../../../src/decoding/strategy.js';
import { addonPaths } from '../../../src/engine/addon.js';
import { engineReport } from '../../../src/engine/doctor.js';
import { TokenModel } from '../../../src/engine/token-model.js';
import type { GroupRequest, SampleTokens } from '../../../src/engine/types.js';
import { bundled, collect, group } from './golden.js';

const SAMPLING = { ...PLAIN_SAMPLING, temperature: 0.8, topP: 0.95 };
const PROMPT = [4095, 291, 1079, 7, 64, 11, 314, 281];
const asked = (sampleIndices: readonly number[], changes: Partial<GroupRequest> = {}): GroupRequest =>
  group(PROMPT, { sampleIndices, maxNewTokens: 24, stopPolicy: 'none', sampling: SAMPLING, ...changes });
const all = [...Array(512).keys()];

const hex = (values: Float32Array): string => Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex');
/** Everything about a sample, numbers as their bits. */
const bits = ({ sampleIndex, tokens, logprobs, entropies, eosLogprob, finishReason }: SampleTokens): string =>
  [sampleIndex, finishReason, tokens.join(), hex(logprobs), hex(entropies), hex(Float32Array.of(eosLogprob))].join(' ');

describe.each(['float32', 'bfloat16', 'int8'] as const)('%s', (dtype) => {
  let two: TokenModel;
  let whole: string[];
  beforeAll(async () => {
    two = await TokenModel.load(bundled, { dtype, device: 'cpu', threads: 2 });
    whole = (await collect(two, [asked(all)], { batch: 512 })).map(bits);
  });
  afterAll(() => two.dispose());

  it('draws samples that differ from each other', () => {
    expect(whole).toHaveLength(512);
    expect(new Set(whole.map((each) => each.split(' ')[2])).size).toBeGreaterThan(256);
  });

  it('is the same alone as among 512', async () => {
    for (const index of [0, 1, 255, 510, 511])
      expect((await collect(two, [asked([index])], { batch: 1 })).map(bits)).toEqual([whole[index]]);
  });

  it('is the same on one thread as on two', async () => {
    await using one = await TokenModel.load(bundled, { dtype, device: 'cpu', threads: 1 });
    expect((await collect(one, [asked(all)], { batch: 512 })).map(bits)).toEqual(whole);
  });

  it('is the same in another order of groups, and beside others', async () => {
    const other = asked(all.slice(0, 40), { prompt: Int32Array.of(4095, 5, 6), key: 3n });
    const samples = await collect(two, [other, asked(all)], { batch: 100 });
    expect(samples.filter(({ group: from }) => from === 1).map(bits)).toEqual(whole);
  });

  it('is the same when it was interrupted and what is missing is drawn', async () => {
    const abort = new AbortController();
    const kept = new Map<number, string>();
    const run = (async () => {
      for await (const sample of two.generate([asked(all)], { batch: 32, signal: abort.signal })) {
        kept.set(sample.sampleIndex, bits(sample));
        if (kept.size === 70) abort.abort(new Error('enough'));
      }
    })();
    await expect(run).rejects.toThrow('enough');
    // Nothing is yielded after the abort, though the step that ended sample 70 ended others too.
    expect(kept.size).toBe(70);
    const missing = all.filter((index) => !kept.has(index));
    for (const sample of await collect(two, [asked(missing)], { batch: 7 })) kept.set(sample.sampleIndex, bits(sample));
    expect(all.map((index) => kept.get(index))).toEqual(whole);
  });

  it('is the same in halves', async () => {
    const halves = [0, 1].map((half) => all.filter((index) => index % 2 === half));
    const drawn = (await Promise.all(halves.map((half) => collect(two, [asked(half)])))).flat();
    expect(drawn.sort((a, b) => a.sampleIndex - b.sampleIndex).map(bits)).toEqual(whole);
  });
});

describe.each(['float32', 'int8'] as const)('%s under each instruction set', (dtype) => {
  // The set is chosen once a process, so each has one of its own. Prints a digest of logits and of samples with all their numbers.
  const script = `
    const { createHash } = require('node:crypto');
    const [addon, folder, asked] = JSON.parse(process.argv[1]);
    const { NativeModel, engineReport } = require(addon);
    const { fault } = engineReport();
    if (fault !== null) { console.log(JSON.stringify({ refused: fault })); process.exit(0); }
    const group = { prompt: Int32Array.from(asked.prompt), promptBytes: new Uint8Array(), heal: new Uint8Array(), key: 7n,
      sampleIndices: Uint32Array.from({ length: 48 }, (_, i) => i), sampling: asked.sampling, maxNewTokens: 24, stopPolicy: 'none', stopStrings: [] };
    const seen = [];
    const bytes = (array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
    const model = new NativeModel({ folder, dtype: asked.dtype, device: 'cpu', threads: 2, memoryBytes: 0, vocabulary: null }, (events) => {
      for (const event of events) {
        if (event.type === 'sample') seen.push(event.sample);
        if (event.type === 'failed' || event.type === 'loadFailed') throw new Error(event.error.message);
        if (event.type !== 'activations') continue;
        const samples = createHash('sha256');
        seen.sort((a, b) => a.sampleIndex - b.sampleIndex);
        for (const { tokens, logprobs, entropies } of seen) for (const array of [tokens, logprobs, entropies]) samples.update(bytes(array));
        const logits = createHash('sha256').update(bytes(event.activations[0].data)).digest('hex');
        console.log(JSON.stringify({ isa: engineReport().isa, count: seen.length, samples: samples.digest('hex'), logits }));
        model.stop();
      }
    });
    model.generate([group], 0);
    model.activations(group.prompt, ['logits']);
  `;
  const run = (
    isa: string,
  ): { refused?: { kind: string; message: string }; isa?: string; count?: number; samples?: string; logits?: string } => {
    const argument = JSON.stringify([addonPaths()[0], bundled, { dtype, prompt: PROMPT, sampling: SAMPLING }]);
    const out = execFileSync(process.execPath, ['-e', script, argument], {
      encoding: 'utf8',
      env: { ...process.env, FAULTLINE_FORCE_ISA: isa },
    });
    return JSON.parse(out) as ReturnType<typeof run>;
  };
  const { candidates, isa: picked } = engineReport();
  const reference = run('scalar');

  it('knows the scalar set, and the one that is picked', () => {
    expect(reference).toMatchObject({ isa: 'scalar', count: 48 });
    expect(candidates.map(({ isa }) => isa)).toContain(picked);
  });

  it.each([...new Set([picked, 'avx512bf16', 'avx512vnni', 'avx512', 'avxvnni', 'avx2', 'neon'])].filter((isa) => isa !== 'scalar'))(
    '%s: samples and logits are the scalar bits',
    (isa) => {
      const result = run(isa);
      if (result.refused === undefined) {
        expect(result).toEqual({ ...reference, isa });
      } else {
        console.warn(`${isa}: ${result.refused.message}: not compared; run this on a CPU that has it`);
        expect([result.refused.kind, isa]).toEqual(['environment', expect.not.stringMatching(`^${picked}$`)]);
      }
    },
  );
});
