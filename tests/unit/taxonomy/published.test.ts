/**
 * The mapping to published taxonomies, the other way round: which leaves each of their classes stands for. Written from
 * the papers' own classes (Dou et al. 2024, Tambon et al. 2024, CodeHalu by Tian et al. 2024), so that a slip in one of
 * some fifty rows shows.
 */
import { expect, test } from 'vitest';
import { CATEGORIES } from '../../../src/taxonomy/categories.js';
import type { Category } from '../../../src/taxonomy/types.js';

const both = (...leaves: number[]): string[] => ['3', '4'].flatMap((family) => leaves.map((leaf) => `${family}.${leaf}`));
const all = (family: string): string[] => CATEGORIES.map(({ code }) => code).filter((code) => code.startsWith(`${family}.`));

const CLASSES: Readonly<Record<keyof Category['published'], Readonly<Record<string, readonly string[]>>>> = {
  dou: {
    // Incomplete structure and wrong indentation have leaves of their own; the rest of its A is any syntax error.
    'A.1': ['1.1', '2.1'],
    'A.2': ['2.2'],
    A: ['2.3', '2.4', '2.5', '2.6'],
    'A.3': both(3),
    'B.1': both(2, 4),
    'B.2': both(1),
    'B.3': [...both(5), '8.9'],
    'B.4': both(4),
    'C.1': all('8'),
    'C.2': both(1, 2, 3),
    'C.3': ['8.2', '8.3', '8.6'],
  },
  tambon: {
    Misinterpretation: ['8.12'],
    'Syntax Error': all('2'),
    'Silly Mistake': ['8.5', '8.8'],
    'Prompt-biased Code': ['8.10'],
    'Missing Corner Case': ['8.9'],
    'Wrong Input Type': both(4),
    'Hallucinated Object': both(1, 3),
    'Wrong Attribute': both(2),
    'Incomplete Generation': ['1.1', '1.2'],
    'Non-Prompted Consideration': ['5.4', '6.1'],
  },
  codehalu: {
    Mapping: both(4, 5),
    Naming: both(1, 2, 3),
    Resource: [...all('5'), ...both(8)],
    Logic: ['1.3', ...all('8')],
  },
};

test.each(Object.entries(CLASSES))('%s', (taxonomy, classes) => {
  const told: Record<string, string[]> = {};
  for (const { code, published } of CATEGORIES) {
    for (const name of published[taxonomy as keyof Category['published']]) (told[name] ??= []).push(code);
  }
  const sorted = (given: Readonly<Record<string, readonly string[]>>): unknown =>
    Object.fromEntries(Object.entries(given).map(([name, codes]) => [name, [...codes].sort()]));
  expect(sorted(told)).toEqual(sorted(classes));
});
