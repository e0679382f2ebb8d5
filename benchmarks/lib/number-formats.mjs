/**
 * Encodes float32 arrays as the number formats of weight files: IEEE half, bfloat16 and ggml's Q8_0. Encoding only,
 * round to nearest even, finite inputs; nothing here knows of tensors or files.
 */

const bitsOf = (/** @type {Float32Array} */ values) => new Uint32Array(values.buffer, values.byteOffset, values.length);

/** One bfloat16 from float32 bits: adding 0x7fff plus the lowest kept bit rounds halves to even. */
const bfloatFromBits = (/** @type {number} */ bits) => (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;

/** One IEEE half from float32 bits and its value, subnormals included. Overflow becomes infinity. */
function halfFromBits(/** @type {number} */ bits, /** @type {number} */ value) {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) {
    const rebased = magnitude - 0x38000000;
    return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13);
  }
  // Subnormal: a whole number of 2^-24. A double holds the scaled value exactly, so the tie test is exact too.
  const scaled = Math.abs(value) * 2 ** 24;
  const below = Math.floor(scaled);
  const rest = scaled - below;
  return sign | (below + (rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? 1 : 0));
}

/** @param {Float32Array} values @returns {Uint16Array} the same number of bfloat16 values */
export function toBfloat16(values) {
  const bits = bitsOf(values);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = bfloatFromBits(bits[i]);
  return out;
}

/** @param {Float32Array} values @returns {Uint16Array} the same number of IEEE half values */
export function toHalf(values) {
  const bits = bitsOf(values);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = halfFromBits(bits[i], values[i]);
  return out;
}

/** Values per Q8_0 block, and bytes: one half scale and 32 signed bytes. */
export const Q8_0_BLOCK = { values: 32, bytes: 34 };

/**
 * Quantises as ggml's reference does: the scale is the block's largest magnitude / 127, the quotients use the
 * float32 scale (not the stored half), and halves round away from zero as C's roundf.
 *
 * @param {Float32Array} values length a multiple of 32; rows must be multiples of 32 as well
 * @returns {Uint8Array}
 */
export function toQ8_0(values) {
  if (values.length % Q8_0_BLOCK.values !== 0) throw new RangeError(`Q8_0 needs a multiple of 32 values, got ${values.length}`);
  const blocks = values.length / Q8_0_BLOCK.values;
  const out = new Uint8Array(blocks * Q8_0_BLOCK.bytes);
  const scaleValue = new Float32Array(1);
  const scaleBits = bitsOf(scaleValue);
  for (let block = 0; block < blocks; block++) {
    const from = block * Q8_0_BLOCK.values;
    let largest = 0;
    for (let i = 0; i < Q8_0_BLOCK.values; i++) largest = Math.max(largest, Math.abs(values[from + i]));
    scaleValue[0] = largest / 127;
    const inverse = scaleValue[0] === 0 ? 0 : Math.fround(1 / scaleValue[0]);
    const half = halfFromBits(scaleBits[0], scaleValue[0]);
    const to = block * Q8_0_BLOCK.bytes;
    out[to] = half & 0xff;
    out[to + 1] = half >>> 8;
    for (let i = 0; i < Q8_0_BLOCK.values; i++) {
      const quotient = Math.fround(values[from + i] * inverse);
      out[to + 2 + i] = Math.sign(quotient) * Math.floor(Math.abs(quotient) + 0.5);
    }
  }
  return out;
}
