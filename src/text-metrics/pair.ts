/** Two sequences over one dense alphabet, which is what the measures' inner loops work on: comparing is comparing small integers. */

export interface Pair {
  /** Symbols from 0 to `alphabet` - 1. */
  readonly a: Int32Array;
  readonly b: Int32Array;
  readonly alphabet: number;
}

/** Numbers the symbols of two sequences in order of their appearance: equal symbols, and no others, get equal numbers. */
export function pairOf<T extends string | number>(a: ArrayLike<T>, b: ArrayLike<T>): Pair {
  const numbers = new Map<T, number>();
  const numbered = (symbols: ArrayLike<T>): Int32Array => {
    const out = new Int32Array(symbols.length);
    for (let i = 0; i < symbols.length; i++) {
      const symbol = symbols[i]!;
      let number = numbers.get(symbol);
      if (number === undefined) numbers.set(symbol, (number = numbers.size));
      out[i] = number;
    }
    return out;
  };
  return { a: numbered(a), b: numbered(b), alphabet: numbers.size };
}
