/**
 * Philox4x32-10, the counter-based generator that the engine uses too: block i is a pure function of (key, i), so
 * that a resample is the same on every machine and in whatever order it is drawn.
 *
 * Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 */

/** The four words of one block, written to `out` (length 4, unsigned 32-bit). `counter` is four words, `key` two. */
export function philoxBlock(counter: ArrayLike<number>, key: ArrayLike<number>, out: Uint32Array): void {
  let c0 = counter[0]! >>> 0;
  let c1 = counter[1]! >>> 0;
  let c2 = counter[2]! >>> 0;
  let c3 = counter[3]! >>> 0;
  let k0 = key[0]! >>> 0;
  let k1 = key[1]! >>> 0;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd251, 0x1f53, c0);
    const low0 = Math.imul(0xd2511f53, c0);
    const high1 = multiplyHigh(0xcd9e, 0x8d57, c2);
    const low1 = Math.imul(0xcd9e8d57, c2);
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1 >>> 0;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0 >>> 0;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** Upper 32 bits of the product of two unsigned 32-bit numbers, the first given by its halves; every partial product is exact in a double. */
function multiplyHigh(aHigh: number, aLow: number, b: number): number {
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  // `middle` and `carry` are below 2^32, so the shifts must be unsigned.
  return aHigh * bHigh + (middle >>> 16) + (carry >>> 16);
}

/** A stream of whole numbers below `bound`, from one 64-bit key. */
export class PhiloxStream {
  private readonly key: readonly [number, number];
  private readonly counter = new Uint32Array(4);
  private readonly block = new Uint32Array(4);
  private position = 4;

  constructor(key: bigint) {
    const bits = BigInt.asUintN(64, key);
    this.key = [Number(bits & 0xffffffffn), Number(bits >> 32n)];
  }

  /** A 32-bit word. */
  word(): number {
    if (this.position === 4) {
      philoxBlock(this.counter, this.key, this.block);
      this.counter[0]!++;
      if (this.counter[0] === 0) this.counter[1]!++;
      this.position = 0;
    }
    return this.block[this.position++]!;
  }

  /**
   * A whole number from 0 to `bound` - 1. One word each, without rejection: the bias is at most bound / 2^32, which for
   * the thousands of problems that are resampled here is far below the noise of the resampling itself.
   */
  below(bound: number): number {
    return Math.floor((this.word() * bound) / 2 ** 32);
  }
}
