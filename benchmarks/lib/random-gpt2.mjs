/**
 * A GPT-2 of any shape with random weights, as a Hugging Face folder and as GGUF files with the same weights, so that
 * engines can be timed and compared without downloading a model. Says nothing about text quality: the output is noise.
 *
 *   node benchmarks/lib/random-gpt2.mjs [--seed 1] [--layers 12] [--width 768] [--heads 12] [--context 1024]
 *        [--vocabulary 50257] [--logit-scale 4] [--formats hf-F32,gguf-Q8_0]      prints the paths as JSON
 *
 * Files are cached under the system's temporary folder by seed and shape, and appear there only when complete.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { listOf, oneOf, parseFlags, positive, wholeNumber } from './flags.mjs';
import { GgufWriter } from './gguf-writer.mjs';
import { gpt2Vocabulary } from './gpt2-vocabulary.mjs';
import { SafetensorsWriter } from './safetensors-writer.mjs';

/** Part of the cache key: raise it when the same seed and shape would give other bytes. */
const GENERATOR_VERSION = 1;
const INIT_SCALE = 0.02;
const LAYER_NORM_EPSILON = 1e-5;

/**
 * @typedef {object} Shape
 * @property {number} layers
 * @property {number} width
 * @property {number} heads
 * @property {number} context
 * @property {number} vocabulary
 * @property {number} logitScale standard deviation of the logits that the final layer norm's gain is set for. A freshly
 *   initialised GPT-2 has about 0.55, which makes nearly every token equally likely: a top-p sampler then keeps 40,000
 *   candidates, far from what a trained model asks of it. 4 gives the few nats of entropy of a trained model.
 */

/** GPT-2 124M's shape. @type {Readonly<Shape>} */
export const GPT2_124M = { layers: 12, width: 768, heads: 12, context: 1024, vocabulary: 50257, logitScale: 4 };

/** @typedef {'hf-F32' | 'hf-BF16' | 'gguf-F32' | 'gguf-F16' | 'gguf-BF16' | 'gguf-Q8_0'} Format */
/** @type {readonly Format[]} */
export const FORMATS = ['hf-F32', 'hf-BF16', 'gguf-F32', 'gguf-F16', 'gguf-BF16', 'gguf-Q8_0'];

/** llama.cpp's general.file_type. */
const GGUF_FILE_TYPE = { F32: 0, F16: 1, Q8_0: 7, BF16: 32 };

/**
 * Every parameter once. `shape` is row-major with outputs first; Hugging Face's Conv1D stores the transpose.
 * `center`/`spread`: weights are center + spread * standard normal. Layer norms and biases are not left at 1 and 0,
 * or a mix-up between them would go unseen when two engines are compared.
 *
 * @param {Shape} shape
 * @returns {{hf: string, gguf: string[], shape: number[], conv1d?: boolean, keepF32?: boolean, center: number, spread: number, gain: number}[]}
 */
function parameters({ layers, width, context, vocabulary, logitScale }) {
  const weight = { center: 0, spread: INIT_SCALE, gain: 1 };
  const vector = { keepF32: true, ...weight };
  const norm = { keepF32: true, center: 1, spread: 0.1, gain: 1 };
  const linear = (/** @type {string} */ hf, /** @type {string} */ gguf, /** @type {number} */ outputs, /** @type {number} */ inputs) => [
    { hf: `${hf}.weight`, gguf: [`${gguf}.weight`], shape: [outputs, inputs], conv1d: true, ...weight },
    { hf: `${hf}.bias`, gguf: [`${gguf}.bias`], shape: [outputs], ...vector },
  ];
  const layerNorm = (/** @type {string} */ hf, /** @type {string} */ gguf, gain = 1) => [
    { hf: `${hf}.weight`, gguf: [`${gguf}.weight`], shape: [width], ...norm, gain },
    { hf: `${hf}.bias`, gguf: [`${gguf}.bias`], shape: [width], ...vector },
  ];
  // A layer norm's output has length sqrt(width), an embedding row has entries of INIT_SCALE: this is the logits' scale.
  const freshLogitScale = Math.sqrt(width) * INIT_SCALE;
  return [
    { hf: 'wte.weight', gguf: ['token_embd.weight', 'output.weight'], shape: [vocabulary, width], ...weight },
    { hf: 'wpe.weight', gguf: ['position_embd.weight'], shape: [context, width], ...vector },
    ...Array.from({ length: layers }, (_, i) => [
      ...layerNorm(`h.${i}.ln_1`, `blk.${i}.attn_norm`),
      ...linear(`h.${i}.attn.c_attn`, `blk.${i}.attn_qkv`, 3 * width, width),
      ...linear(`h.${i}.attn.c_proj`, `blk.${i}.attn_output`, width, width),
      ...layerNorm(`h.${i}.ln_2`, `blk.${i}.ffn_norm`),
      ...linear(`h.${i}.mlp.c_fc`, `blk.${i}.ffn_up`, 4 * width, width),
      ...linear(`h.${i}.mlp.c_proj`, `blk.${i}.ffn_down`, width, 4 * width),
    ]).flat(),
    ...layerNorm('ln_f', 'output_norm', logitScale / freshLogitScale),
  ];
}

/**
 * Fills with center + spread * n, n from the sum of four uniform numbers (variance 1 after scaling). Only sums and
 * products of doubles: the same weights on every machine and Node version, which a logarithm would not promise.
 *
 * @param {number} length @param {string} seed any text @param {{center: number, spread: number, gain: number}} distribution
 */
function randomValues(length, seed, { center, spread, gain }) {
  const digest = createHash('sha256').update(seed).digest();
  let [a, b, c, d] = [0, 4, 8, 12].map((offset) => digest.readInt32LE(offset));
  // xoshiro128++
  const next = () => {
    const sum = (a + d) | 0;
    const result = (((sum << 7) | (sum >>> 25)) + a) | 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const out = new Float32Array(length);
  const scale = Math.sqrt(3) / 0x10000;
  for (let i = 0; i < length; i++) {
    const first = next();
    const second = next();
    const sum = (first & 0xffff) + (first >>> 16) + (second & 0xffff) + (second >>> 16) - 2 * 0xffff;
    out[i] = gain * (center + spread * scale * sum);
  }
  return out;
}

/** @param {Float32Array} values [rows, columns] @param {number} rows @param {number} columns @returns {Float32Array} [columns, rows] */
function transposed(values, rows, columns) {
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) out[column * rows + row] = values[row * columns + column];
  return out;
}

/** @param {Shape} shape @param {ReturnType<typeof gpt2Vocabulary>} vocabulary @param {keyof typeof GGUF_FILE_TYPE} type */
function ggufMetadata(shape, vocabulary, type) {
  /** @type {import('./gguf-writer.mjs').MetadataEntry[]} */
  const entries = [
    { key: 'general.architecture', kind: 'string', value: 'gpt2' },
    { key: 'general.name', kind: 'string', value: 'random-gpt2' },
    { key: 'general.file_type', kind: 'u32', value: GGUF_FILE_TYPE[type] },
    { key: 'gpt2.context_length', kind: 'u32', value: shape.context },
    { key: 'gpt2.embedding_length', kind: 'u32', value: shape.width },
    { key: 'gpt2.feed_forward_length', kind: 'u32', value: 4 * shape.width },
    { key: 'gpt2.block_count', kind: 'u32', value: shape.layers },
    { key: 'gpt2.attention.head_count', kind: 'u32', value: shape.heads },
    { key: 'gpt2.attention.layer_norm_epsilon', kind: 'f32', value: LAYER_NORM_EPSILON },
    { key: 'tokenizer.ggml.model', kind: 'string', value: 'gpt2' },
    { key: 'tokenizer.ggml.pre', kind: 'string', value: 'gpt-2' },
    { key: 'tokenizer.ggml.tokens', kind: 'strings', value: vocabulary.tokens },
    // 1: normal, 3: control.
    { key: 'tokenizer.ggml.token_type', kind: 'i32s', value: vocabulary.tokens.map((_, id) => (id === vocabulary.endOfText ? 3 : 1)) },
    { key: 'tokenizer.ggml.merges', kind: 'strings', value: vocabulary.merges },
    { key: 'tokenizer.ggml.bos_token_id', kind: 'u32', value: vocabulary.endOfText },
    { key: 'tokenizer.ggml.eos_token_id', kind: 'u32', value: vocabulary.endOfText },
    { key: 'tokenizer.ggml.add_bos_token', kind: 'bool', value: false },
  ];
  if (type === 'Q8_0') entries.push({ key: 'general.quantization_version', kind: 'u32', value: 2 });
  return entries;
}

/** The small files of a Hugging Face folder. */
function writeFolderFiles(
  /** @type {string} */ folder,
  /** @type {Shape} */ shape,
  /** @type {ReturnType<typeof gpt2Vocabulary>} */ vocabulary,
) {
  const endOfText = vocabulary.endOfText;
  const config = {
    architectures: ['GPT2LMHeadModel'],
    model_type: 'gpt2',
    activation_function: 'gelu_new',
    n_layer: shape.layers,
    n_embd: shape.width,
    n_head: shape.heads,
    n_positions: shape.context,
    n_ctx: shape.context,
    n_inner: null,
    vocab_size: shape.vocabulary,
    layer_norm_epsilon: LAYER_NORM_EPSILON,
    initializer_range: INIT_SCALE,
    tie_word_embeddings: true,
    bos_token_id: endOfText,
    eos_token_id: endOfText,
  };
  const tokenizerConfig = {
    tokenizer_class: 'GPT2Tokenizer',
    add_prefix_space: false,
    bos_token: '<|endoftext|>',
    eos_token: '<|endoftext|>',
    unk_token: '<|endoftext|>',
    model_max_length: shape.context,
  };
  const write = (/** @type {string} */ name, /** @type {string} */ content) => fs.writeFileSync(path.join(folder, name), content);
  write('config.json', `${JSON.stringify(config, null, 2)}\n`);
  write('tokenizer_config.json', `${JSON.stringify(tokenizerConfig, null, 2)}\n`);
  write('vocab.json', JSON.stringify(Object.fromEntries(vocabulary.tokens.map((token, id) => [token, id]))));
  write('merges.txt', `#version: 0.2\n${vocabulary.merges.join('\n')}\n`);
}

/**
 * Makes the files that are not in the cache yet. Holds one tensor at a time (the largest is the token embedding).
 *
 * @param {object} options
 * @param {number} [options.seed]
 * @param {Partial<Shape>} [options.shape] GPT-2 124M's where absent
 * @param {readonly Format[]} [options.formats]
 * @returns {Record<Format, string>} paths: a folder for `hf-*`, a file for `gguf-*`; only those asked for
 */
export function randomGpt2({ seed = 1, shape: given = {}, formats = FORMATS } = {}) {
  const shape = { ...GPT2_124M, ...given };
  if (shape.width % shape.heads !== 0) throw new RangeError(`width ${shape.width} is not a multiple of ${shape.heads} heads`);
  if (formats.includes('gguf-Q8_0') && shape.width % 32 !== 0)
    throw new RangeError(`Q8_0 needs a width that is a multiple of 32, got ${shape.width}`);

  const key = createHash('sha256')
    .update(JSON.stringify([GENERATOR_VERSION, seed, shape]))
    .digest('hex')
    .slice(0, 12);
  const cache = path.join(os.tmpdir(), 'faultline-benchmarks', `gpt2-${key}`);
  const paths = /** @type {Record<Format, string>} */ (
    Object.fromEntries(formats.map((format) => [format, path.join(cache, format.startsWith('hf-') ? format : `${format}.gguf`)]))
  );
  const missing = formats.filter((format) => !fs.existsSync(paths[format]));
  if (missing.length === 0) return paths;

  fs.mkdirSync(cache, { recursive: true });
  const vocabulary = gpt2Vocabulary(shape.vocabulary);
  const all = parameters(shape);
  const temporary = (/** @type {Format} */ format) => `${paths[format]}.${process.pid}.partial`;
  const sinks = missing.map((format) => {
    const [kind, type] = /** @type {['hf' | 'gguf', any]} */ (format.split('-'));
    if (kind === 'hf') {
      fs.rmSync(temporary(format), { recursive: true, force: true });
      fs.mkdirSync(temporary(format));
      writeFolderFiles(temporary(format), shape, vocabulary);
      const tensors = all.map((p) => ({ name: p.hf, shape: p.conv1d ? [...p.shape].reverse() : p.shape }));
      const writer = new SafetensorsWriter(path.join(temporary(format), 'model.safetensors'), type, tensors);
      return { kind, writer };
    }
    const tensors = all.flatMap((p) =>
      p.gguf.map((name) => ({ name, shape: [...p.shape].reverse(), type: p.keepF32 ? /** @type {const} */ ('F32') : type })),
    );
    return { kind, writer: new GgufWriter(temporary(format), ggufMetadata(shape, vocabulary, type), tensors) };
  });

  for (const parameter of all) {
    const length = parameter.shape.reduce((product, n) => product * n, 1);
    const values = randomValues(length, `${seed} ${parameter.hf}`, parameter);
    const conv1d = parameter.conv1d ? transposed(values, parameter.shape[0], parameter.shape[1]) : values;
    for (const { kind, writer } of sinks) {
      if (kind === 'hf') writer.write(parameter.hf, conv1d);
      else for (const name of parameter.gguf) writer.write(name, values);
    }
  }
  for (const { writer } of sinks) writer.close();
  for (const format of missing) fs.renameSync(temporary(format), paths[format]);
  return paths;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const given = (/** @type {unknown} */ value, /** @type {import('./flags.mjs').Check} */ check) => ({
    type: /** @type {const} */ ('string'),
    default: String(value),
    check,
  });
  const values = parseFlags(import.meta.url, {
    seed: given(1, wholeNumber(0)),
    layers: given(GPT2_124M.layers, wholeNumber()),
    width: given(GPT2_124M.width, wholeNumber()),
    heads: given(GPT2_124M.heads, wholeNumber()),
    context: given(GPT2_124M.context, wholeNumber()),
    vocabulary: given(GPT2_124M.vocabulary, wholeNumber()),
    'logit-scale': given(GPT2_124M.logitScale, positive),
    formats: given(FORMATS.join(','), listOf(oneOf(FORMATS))),
  });
  const formats = /** @type {Format[]} */ (values.formats.split(','));
  const shape = {
    layers: Number(values.layers),
    width: Number(values.width),
    heads: Number(values.heads),
    context: Number(values.context),
    vocabulary: Number(values.vocabulary),
    logitScale: Number(values['logit-scale']),
  };
  try {
    console.log(JSON.stringify(randomGpt2({ seed: Number(values.seed), shape, formats }), null, 2));
  } catch (error) {
    // Of numbers that do not go together.
    if (!(error instanceof RangeError)) throw error;
    console.error(error.message);
    process.exit(2);
  }
}
