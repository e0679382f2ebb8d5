/**
 * Writes a safetensors file whose tensors arrive one at a time, in any order. F32 and BF16 only; knows no model.
 */
import fs from 'node:fs';
import { bytesOf, writeAll } from './gguf-writer.mjs';
import { toBfloat16 } from './number-formats.mjs';

const TYPES = {
  F32: { bytes: 4, encode: (/** @type {Float32Array} */ values) => values },
  BF16: { bytes: 2, encode: toBfloat16 },
};

/** A safetensors file being written. The caller owns the file name and renames it when complete. */
export class SafetensorsWriter {
  #descriptor;
  #type;
  /** @type {Map<string, {position: number, values: number}>} */
  #tensors = new Map();
  /** @type {Set<string>} */
  #missing;

  /**
   * @param {string} file
   * @param {'F32' | 'BF16'} type of every tensor
   * @param {{name: string, shape: number[]}[]} tensors row-major shapes
   */
  constructor(file, type, tensors) {
    this.#type = TYPES[type];
    /** @type {Record<string, unknown>} */
    const header = { __metadata__: { format: 'pt' } };
    let offset = 0;
    for (const { name, shape } of tensors) {
      const values = shape.reduce((product, n) => product * n, 1);
      const end = offset + values * this.#type.bytes;
      header[name] = { dtype: type, shape, data_offsets: [offset, end] };
      this.#tensors.set(name, { position: offset, values });
      offset = end;
    }
    const json = Buffer.from(JSON.stringify(header));
    // Padding with spaces keeps the data 8-byte aligned, as the format's own writer does.
    const head = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
    head.writeBigUInt64LE(BigInt(head.length - 8));
    json.copy(head, 8);
    for (const tensor of this.#tensors.values()) tensor.position += head.length;
    this.#missing = new Set(this.#tensors.keys());
    this.#descriptor = fs.openSync(file, 'w');
    writeAll(this.#descriptor, head, 0);
  }

  /** Encodes and writes one tensor. @param {string} name @param {Float32Array} values row-major */
  write(name, values) {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined || tensor.values !== values.length)
      throw new RangeError(`${name}: not in the header with ${values.length} values`);
    writeAll(this.#descriptor, bytesOf(this.#type.encode(values)), tensor.position);
    this.#missing.delete(name);
  }

  /** Throws when a tensor of the header was never written. */
  close() {
    fs.closeSync(this.#descriptor);
    if (this.#missing.size > 0) throw new Error(`tensors never written: ${[...this.#missing].join(', ')}`);
  }
}
