/**
 * Writes GGUF version 3: metadata and tensor table first, then tensor data at offsets that are known beforehand, so
 * that tensors can arrive in any order and are never held together. Knows no model and no tokenizer.
 */
import fs from 'node:fs';
import { Q8_0_BLOCK, toBfloat16, toHalf, toQ8_0 } from './number-formats.mjs';

const ALIGNMENT = 32;
const aligned = (/** @type {number} */ bytes) => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** ggml's tensor types by name: type id, encoder, bytes for a number of values. */
export const GGML_TYPES = {
  F32: { id: 0, encode: (/** @type {Float32Array} */ v) => v, bytes: (/** @type {number} */ n) => 4 * n },
  F16: { id: 1, encode: toHalf, bytes: (/** @type {number} */ n) => 2 * n },
  Q8_0: { id: 8, encode: toQ8_0, bytes: (/** @type {number} */ n) => (n / Q8_0_BLOCK.values) * Q8_0_BLOCK.bytes },
  BF16: { id: 30, encode: toBfloat16, bytes: (/** @type {number} */ n) => 2 * n },
};
/** @typedef {keyof typeof GGML_TYPES} GgmlType */

/** Ids of GGUF's metadata value types. */
const VALUE = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 };
/** @typedef {'u32' | 'i32' | 'f32' | 'bool' | 'string'} ScalarKind */
/**
 * @typedef {object} MetadataEntry
 * @property {string} key
 * @property {ScalarKind | 'strings' | 'i32s'} kind
 * @property {any} value
 */

/**
 * @typedef {object} TensorEntry
 * @property {string} name
 * @property {number[]} shape ggml's order: fastest-running dimension first
 * @property {GgmlType} type
 */

const u32 = (/** @type {number} */ n) => {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(n);
  return out;
};
const u64 = (/** @type {number} */ n) => {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt(n));
  return out;
};
const text = (/** @type {string} */ s) => {
  const bytes = Buffer.from(s, 'utf8');
  return Buffer.concat([u64(bytes.length), bytes]);
};

/** @param {ScalarKind} kind @param {any} value */
function scalar(kind, value) {
  if (kind === 'string') return text(value);
  if (kind === 'u32') return u32(value);
  if (kind === 'bool') return Buffer.from([value ? 1 : 0]);
  const out = Buffer.alloc(4);
  if (kind === 'i32') out.writeInt32LE(value);
  else out.writeFloatLE(value);
  return out;
}

/** @param {MetadataEntry} entry */
function metadataBytes({ key, kind, value }) {
  if (kind !== 'strings' && kind !== 'i32s') return Buffer.concat([text(key), u32(VALUE[kind]), scalar(kind, value)]);
  const element = kind === 'strings' ? 'string' : 'i32';
  const items = value.map((/** @type {any} */ item) => scalar(element, item));
  return Buffer.concat([text(key), u32(VALUE.array), u32(VALUE[element]), u64(value.length), ...items]);
}

/** A GGUF file being written. The caller owns the file name and renames it when complete. */
export class GgufWriter {
  #descriptor;
  /** @type {Map<string, {type: GgmlType, position: number, values: number}>} */
  #tensors = new Map();
  /** @type {Set<string>} */
  #missing;

  /**
   * @param {string} file
   * @param {MetadataEntry[]} metadata
   * @param {TensorEntry[]} tensors
   */
  constructor(file, metadata, tensors) {
    const table = [];
    let offset = 0;
    for (const { name, shape, type } of tensors) {
      const values = shape.reduce((product, n) => product * n, 1);
      table.push(text(name), u32(shape.length), ...shape.map(u64), u32(GGML_TYPES[type].id), u64(offset));
      this.#tensors.set(name, { type, position: offset, values });
      offset += aligned(GGML_TYPES[type].bytes(values));
    }
    const head = Buffer.concat([
      Buffer.from('GGUF'),
      u32(3),
      u64(tensors.length),
      u64(metadata.length),
      ...metadata.map(metadataBytes),
      ...table,
    ]);
    const dataStart = aligned(head.length);
    for (const tensor of this.#tensors.values()) tensor.position += dataStart;
    this.#missing = new Set(this.#tensors.keys());
    this.#descriptor = fs.openSync(file, 'w');
    fs.ftruncateSync(this.#descriptor, dataStart + offset);
    writeAll(this.#descriptor, head, 0);
  }

  /** Encodes and writes one tensor. @param {string} name @param {Float32Array} values row-major */
  write(name, values) {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined || tensor.values !== values.length)
      throw new RangeError(`${name}: not in the table with ${values.length} values`);
    writeAll(this.#descriptor, bytesOf(GGML_TYPES[tensor.type].encode(values)), tensor.position);
    this.#missing.delete(name);
  }

  /** Throws when a tensor of the table was never written. */
  close() {
    fs.closeSync(this.#descriptor);
    if (this.#missing.size > 0) throw new Error(`tensors never written: ${[...this.#missing].join(', ')}`);
  }
}

/** @param {ArrayBufferView} view */
export const bytesOf = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** Writes everything: one write call may be short. @param {number} descriptor @param {Uint8Array} bytes @param {number} position */
export function writeAll(descriptor, bytes, position) {
  for (let done = 0; done < bytes.length;) done += fs.writeSync(descriptor, bytes, done, bytes.length - done, position + done);
}
