/** The bundled model as one GGUF file, with its tokenizer, as a converter would write it; the same weights to the bit. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { flagEntry, header, numberEntry, numbersEntry, stringEntry, stringsEntry, tensor, entry, TYPE } from '../../unit/gguf-bytes.js';
import { bundled } from './golden.js';

const ALIGNMENT = 32;
const padding = (length: number): Buffer => Buffer.alloc((ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT);
const json = (name: string): Record<string, unknown> => JSON.parse(readFileSync(path.join(bundled, name), 'utf8')) as never;

/** Hugging Face's names of modules, then GGUF's. */
const NAMES: readonly (readonly [string, string])[] = [
  ['h.', 'blk.'],
  ['wte', 'token_embd'],
  ['wpe', 'position_embd'],
  ['ln_f', 'output_norm'],
  ['ln_1', 'attn_norm'],
  ['ln_2', 'ffn_norm'],
  ['attn.c_attn', 'attn_qkv'],
  ['attn.c_proj', 'attn_output'],
  ['mlp.c_fc', 'ffn_up'],
  ['mlp.c_proj', 'ffn_down'],
];

/** Writes `file`: matrices in BF16, as the bundled weights are, or widened to F32; vectors in F32. */
export function writeBundledGguf(file: string, type: 'F32' | 'BF16'): void {
  const weights = readFileSync(path.join(bundled, 'model.safetensors'));
  const start = 8 + Number(weights.readBigUInt64LE(0));
  const tensors = JSON.parse(weights.toString('utf8', 8, start)) as Record<string, { shape: number[]; data_offsets: [number, number] }>;
  const descriptions: Buffer[] = [];
  const data: Buffer[] = [];
  let offset = 0;
  for (const [name, { shape, data_offsets: offsets }] of Object.entries(tensors)) {
    if (name === '__metadata__') continue;
    const [begin, end] = offsets;
    let values = new Uint16Array(Uint8Array.from(weights.subarray(start + begin, start + end)).buffer);
    const [rows, columns] = [shape[0]!, shape[1] ?? 1];
    const conv1d = shape.length === 2 && name.startsWith('h.');
    if (conv1d) values = values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!);
    const wide = type === 'F32' || shape.length === 1;
    const bytes = Buffer.from(wide ? Uint32Array.from(values, (value) => value * 0x10000).buffer : values.buffer);
    const renamed = NAMES.reduce((text, [from, to]) => text.replace(from, to), name);
    descriptions.push(tensor(renamed, conv1d ? shape : [...shape].reverse(), wide ? 0 : 30, offset));
    data.push(bytes, padding(bytes.length));
    offset += bytes.length + padding(bytes.length).length;
  }

  const config = json('config.json') as Record<string, number>;
  const tokens = Object.entries(json('vocab.json') as Record<string, number>).sort(([, a], [, b]) => a - b).map(([token]) => token); // prettier-ignore
  const merges = readFileSync(path.join(bundled, 'merges.txt'), 'utf8').split('\n').filter((line) => line !== '' && !line.startsWith('#version')); // prettier-ignore
  const epsilon = Buffer.alloc(4);
  epsilon.writeFloatLE(config['layer_norm_epsilon']!);
  const end = config['eos_token_id']!;
  const head = header(
    [
      stringEntry('general.architecture', 'gpt2'),
      numberEntry('gpt2.block_count', config['n_layer']!),
      numberEntry('gpt2.attention.head_count', config['n_head']!),
      numberEntry('gpt2.embedding_length', config['n_embd']!),
      numberEntry('gpt2.feed_forward_length', 4 * config['n_embd']!),
      numberEntry('gpt2.context_length', config['n_positions']!),
      entry('gpt2.attention.layer_norm_epsilon', TYPE.f32, epsilon),
      stringEntry('tokenizer.ggml.model', 'gpt2'),
      stringEntry('tokenizer.ggml.pre', 'gpt-2'),
      stringsEntry('tokenizer.ggml.tokens', tokens),
      numbersEntry('tokenizer.ggml.token_type', tokens.map((_, id) => (id === end ? 3 : 1))), // prettier-ignore
      stringsEntry('tokenizer.ggml.merges', merges),
      numberEntry('tokenizer.ggml.bos_token_id', end),
      numberEntry('tokenizer.ggml.eos_token_id', end),
      flagEntry('tokenizer.ggml.add_bos_token', true),
    ],
    descriptions,
  );
  writeFileSync(file, Buffer.concat([head, padding(head.length), ...data]));
}
