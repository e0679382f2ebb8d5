/** The golden models and values the engine's tests share: where they are and how to read them. */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GroupRequest, SampleTokens, Vocabulary } from '../../../src/engine/types.js';
import type { TokenModel } from '../../../src/engine/token-model.js';
import { PLAIN_SAMPLING } from '../../../src/decoding/strategy.js';

export const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
export const tiny = path.join(root, 'tests/golden/tiny-gpt2');
export const bundled = path.join(root, 'data/models/pico-gpt2-py');
export const bundledGolden = path.join(root, 'tests/golden/pico');

export const readTokens = (file: string): Record<string, number[]> => JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, number[]>;

export interface Tensor {
  readonly shape: number[];
  readonly data: Float32Array;
}

/** A safetensors file of F32 tensors, read without the engine. */
export function readSafetensors(file: string): Map<string, Tensor> {
  const bytes = fs.readFileSync(file);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  return new Map(
    Object.entries(header)
      .filter(([name]) => name !== '__metadata__')
      .map(
        ([
          name,
          {
            dtype,
            shape,
            data_offsets: [begin, end],
          },
        ]) => {
          if (dtype !== 'F32') throw new Error(`${name} is ${dtype}`);
          return [name, { shape, data: new Float32Array(Uint8Array.from(bytes.subarray(8 + length + begin, 8 + length + end)).buffer) }];
        },
      ),
  );
}

/** A vocabulary whose token i spells `spellings[i]`; the last one is end of text and spells nothing. */
export function vocabularyOf(spellings: readonly string[]): Vocabulary {
  const parts = [...spellings.map((text) => Buffer.from(text, 'latin1')), Buffer.alloc(0)];
  const offsets = new Uint32Array(parts.length + 1);
  parts.forEach((part, i) => (offsets[i + 1] = offsets[i]! + part.length));
  return { bytes: Uint8Array.from(Buffer.concat(parts)), offsets, eosToken: parts.length - 1 };
}

/** A group with everything that a test does not care about filled in. */
export function group(prompt: readonly number[], changes: Partial<GroupRequest> = {}): GroupRequest {
  return {
    prompt: Int32Array.from(prompt),
    sampleIndices: [0],
    key: 7n,
    sampling: PLAIN_SAMPLING,
    maxNewTokens: 8,
    stopPolicy: 'eos',
    ...changes,
  };
}

/** All samples, in the order of group and index. */
export async function collect(
  model: TokenModel,
  groups: readonly GroupRequest[],
  options: { batch?: number; signal?: AbortSignal } = {},
): Promise<SampleTokens[]> {
  const samples: SampleTokens[] = [];
  for await (const sample of model.generate(groups, options)) samples.push(sample);
  return samples.sort((a, b) => a.group - b.group || a.sampleIndex - b.sampleIndex);
}
