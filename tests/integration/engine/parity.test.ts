/** The engine through Node against PyTorch's float64 values: hook points, shapes, greedy tokens. */
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TokenModel } from '../../../src/engine/token-model.js';
import { bundled, bundledGolden, collect, group, readSafetensors, readTokens, root, tiny } from './golden.js';
import { PLAIN_SAMPLING } from '../../../src/decoding/strategy.js';

const shared = path.join(root, '../shared/reference/pico');
const whole = fs.existsSync(shared);
if (!whole) console.warn(`${shared} is not here: its parity test is skipped; tests/golden/pico holds a part of it`);

/** The contract: 1e-5 of the largest value of each array. */
const LIMIT = 1e-5;

for (const [name, folder, golden, here] of [
  ['tiny-gpt2', tiny, tiny, true],
  ['the bundled model', bundled, bundledGolden, true],
  ['the bundled model, whole reference', bundled, shared, whole],
] as const) {
  describe.skipIf(!here)(`parity of ${name}`, () => {
    let model: TokenModel;
    beforeAll(async () => {
      model = await TokenModel.load(folder, { dtype: 'float32', threads: 2 });
    });
    afterAll(() => model.dispose());

    it('holds at every hook point, with the same shapes', async () => {
      const expected = readSafetensors(path.join(golden, 'expected.safetensors'));
      let compared = 0;
      for (const [prompt, tokens] of Object.entries(readTokens(path.join(golden, 'prompts.json')))) {
        const hooks = [...expected.keys()].filter((key) => key.startsWith(`${prompt}/`)).map((key) => key.slice(prompt.length + 1));
        if (hooks.length === 0) continue;
        const arrays = await model.activations(Int32Array.from(tokens), hooks);
        expect([...arrays.keys()]).toEqual(hooks);
        for (const hook of hooks) {
          const want = expected.get(`${prompt}/${hook}`)!;
          const got = arrays.get(hook)!;
          expect(got.shape, hook).toEqual(want.shape);
          let top = 0;
          let error = 0;
          want.data.forEach((value, i) => {
            top = Math.max(top, Math.abs(value));
            error = Math.max(error, Math.abs(value - got.data[i]!));
          });
          expect(error / top, `${prompt}/${hook}`).toBeLessThanOrEqual(LIMIT);
          compared++;
        }
      }
      expect(compared).toBe(expected.size);
    });

    it('holds for greedy tokens', async () => {
      const prompts = readTokens(path.join(golden, 'prompts.json'));
      const expected = readTokens(path.join(golden, 'expected.greedy.json'));
      const names = Object.keys(expected);
      const greedy = { sampling: { ...PLAIN_SAMPLING, temperature: 0 }, stopPolicy: 'none' as const };
      const samples = await collect(
        model,
        names.map((key) => group(prompts[key]!, { ...greedy, maxNewTokens: expected[key]!.length })),
      );
      expect(samples.map(({ tokens }) => [...tokens])).toEqual(names.map((key) => expected[key]));
    });
  });
}
