/** Small changes to a right solution, as near misses: some pass all the same. Text only; what does not parse is welcome, too. */

/** Patterns, and what takes their place. */
const CHANGES: readonly (readonly [RegExp, string | ((match: string) => string)])[] = [
  [/ \+ /g, ' - '],
  [/ - /g, ' + '],
  [/<=/g, '<'],
  [/>=/g, '>'],
  [/ < /g, ' <= '],
  [/ > /g, ' >= '],
  [/==/g, '!='],
  [/ and /g, ' or '],
  [/ or /g, ' and '],
  [/\bnot /g, ''],
  [/\bTrue\b/g, 'False'],
  [/\bFalse\b/g, 'True'],
  [/\bTrue\b/g, '1'],
  [/\/\//g, '/'],
  [/ \/ /g, ' // '],
  [/\*\*/g, '*'],
  [/\b\d+\b/g, (digits) => String(BigInt(digits) + 1n)],
  [/\b\d+\b/g, (digits) => String(BigInt(digits) - 1n)],
  [/\b\d+\b/g, (digits) => `${digits}.0`],
  [/\bmin\(/g, 'max('],
  [/\bmax\(/g, 'min('],
  [/\bsorted\(/g, 'list('],
  [/\blist\(/g, 'tuple('],
  [/\blist\(/g, 'iter('],
  [/\bstr\(/g, 'repr('],
  [/\bint\(/g, 'float('],
  [/\bset\(/g, 'list('],
  [/\[\]/g, '()'],
  [/\blen\(/g, 'abs('],
  [/\.append\(/g, '.extend('],
  [/\breturn (?=.)/g, 'yield '],
  [/\breturn (?=.)/g, 'return None or '],
  [/\bbreak\b/g, 'continue'],
  [/\bcontinue\b/g, 'pass'],
];

/** All changes of one place, in a fixed order, without repeats. */
export function mutantsOf(code: string): string[] {
  const found = new Set<string>();
  const lines = code.split('\n');
  lines.forEach((line, index) => {
    if (line.trim() === '') return;
    const indent = /^\s*/.exec(line)![0];
    for (const instead of [[], [`${indent}pass`], [line, line], [`${indent}print(1)`, line]]) {
      found.add([...lines.slice(0, index), ...instead, ...lines.slice(index + 1)].join('\n'));
    }
  });
  for (const [pattern, replacement] of CHANGES) {
    for (const match of code.matchAll(pattern)) {
      const instead = typeof replacement === 'string' ? replacement : replacement(match[0]);
      found.add(code.slice(0, match.index) + instead + code.slice(match.index + match[0].length));
    }
  }
  found.delete(code);
  return [...found];
}

/** `count` of the mutants, spread over all of them, other ones for another `offset`. */
export function someMutants(code: string, count: number, offset: number): string[] {
  const all = mutantsOf(code);
  if (all.length <= count) return all;
  // A step without a common factor visits every place.
  let step = Math.max(1, Math.floor(all.length * 0.618));
  while (gcd(step, all.length) !== 1) step++;
  return Array.from({ length: count }, (_, index) => all[(offset + index * step) % all.length]!);
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
