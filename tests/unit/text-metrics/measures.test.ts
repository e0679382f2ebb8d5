/** Every measure: reference values, hand-made ones, and what must hold for any text. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it, test } from 'vitest';
import { FaultlineError } from '../../../src/errors.js';
import { astMatch } from '../../../src/text-metrics/ast-match.js';
import { bleu } from '../../../src/text-metrics/bleu.js';
import { chrf } from '../../../src/text-metrics/chrf.js';
import { measureText } from '../../../src/text-metrics/measure-text.js';
import { MEASURES, type Measure, type MeasureKey } from '../../../src/text-metrics/measures.js';
import { pairOf } from '../../../src/text-metrics/pair.js';
import { levenshtein } from '../../../src/text-metrics/levenshtein.js';
import { longestLineRun, repeatedNgrams } from '../../../src/text-metrics/repetition.js';
import { rougeL } from '../../../src/text-metrics/rouge-l.js';
import { loadGrammar } from '../../../src/text-metrics/syntax-tree.js';
import { ComparedText, codePointsOf } from '../../../src/text-metrics/text.js';
import { weightedNgrams } from '../../../src/text-metrics/weighted-ngrams.js';
import { zlibRatio } from '../../../src/text-metrics/zlib-ratio.js';
import { anyText } from './arbitrary.js';

interface GoldenPair {
  readonly reference: string;
  readonly candidate: string;
  readonly bleu4_method1: number;
  readonly chrf_nltk: number;
  readonly rouge_l_f1: number;
  readonly levenshtein: number;
  readonly token_levenshtein?: number;
  readonly python_tokens?: number;
  readonly weighted_ngrams?: number;
}
const golden = (file: string): GoldenPair[] =>
  (JSON.parse(readFileSync(new URL(`../../golden/${file}`, import.meta.url), 'utf8')) as { pairs: GoldenPair[] }).pairs;
const rows: readonly Measure[] = MEASURES;
const comparing = rows.filter(({ needs }) => needs === 'reference').map(({ key }) => key);
const alone = { reference: null, tokens: null };

beforeAll(loadGrammar);

describe.each(['text-metrics.json', 'text-metrics-more.json'])('reference values of tests/golden/%s', (file) => {
  it.each(golden(file))('$candidate', (pair) => {
    // As they stand: the values were made of the texts before anything was cut from their beginning.
    const points = pairOf(codePointsOf(pair.reference), codePointsOf(pair.candidate));
    const [reference, sample] = [new ComparedText(pair.reference), new ComparedText(pair.candidate)];
    const words = pairOf(reference.words, sample.words);
    expect(levenshtein(points)).toBe(pair.levenshtein);
    expect(rougeL(words)).toBeCloseTo(pair.rouge_l_f1, 12);
    // NLTK asks for n-grams that neither text is long enough for; there, and only there, we do not.
    if (Math.max(words.a.length, words.b.length) >= 4) expect(bleu(words)).toBeCloseTo(pair.bleu4_method1, 12);
    const ink = pairOf(reference.ink, sample.ink);
    if (Math.max(ink.a.length, ink.b.length) >= 6) expect(chrf(ink)).toBeCloseTo(pair.chrf_nltk, 12);
    if (pair.weighted_ngrams === undefined) return;
    expect(sample.tokenTexts).toHaveLength(pair.python_tokens!);
    expect(levenshtein(pairOf(reference.tokenTexts, sample.tokenTexts))).toBe(pair.token_levenshtein);
    expect(weightedNgrams(reference.tokenTexts, sample.tokenTexts)).toBeCloseTo(pair.weighted_ngrams, 12);
  });
});

describe("CodeBLEU's parts", () => {
  it('are what the package codebleu publishes of its example', () => {
    // Its README: weighted_ngram_match_score 0.1109, syntax_match_score 1.0. White space stands between all of its tokens, which are Python's.
    const reference = new ComparedText('def sum ( first , second ) :\n return second + first');
    const sample = new ComparedText('def add ( a , b ) :\n return a + b');
    expect(weightedNgrams(reference.tokenTexts, sample.tokenTexts)).toBeCloseTo(0.1109, 4);
    expect(astMatch(reference.syntaxTree!, sample.syntaxTree!)).toBe(1);
  });

  it('have a penalty for short samples, as in the paper and not as in the program', () => {
    const reference = 'def f ( x ) : return x'.split(' ');
    // Three of eight tokens, of which two are keywords (2 + 6 x 0.2 in all), two of seven pairs, one of six triples, none of five fours.
    const shares = [1.4 / 3.2, 2 / 7, 1 / 6];
    const mean = Math.exp([...shares, 0.1 / 5].reduce((sum, share) => sum + Math.log(share), 0) / 4);
    expect(weightedNgrams(reference, ['def', 'f', '('])).toBeCloseTo(Math.exp(1 - 8 / 3) * mean, 12);
  });
});

describe('short texts', () => {
  it('are 1 where they are equal, which NLTK does not say', () => {
    expect(golden('text-metrics-more.json')[0]).toMatchObject({
      reference: 'return x',
      candidate: 'return x',
      bleu4_method1: 0.316227766016838,
    });
    expect(measureText({ completion: 'return x', reference: 'return x' })).toMatchObject({
      bleu: 1,
      chrf: 1,
      rouge_l: 1,
      weighted_ngrams: 1,
    });
  });

  it('have the BLEU of the n-grams that there are', () => {
    // 1 of 2 words, 0.1 of 1 pair.
    expect(bleu(pairOf(['return', 'x'], ['return', 'y']))).toBeCloseTo(Math.sqrt(0.5 * 0.1), 12);
  });
});

describe('what is compared', () => {
  test.each([
    ['\r\n \t\n    x\r  y \n\n', '    x\n  y'],
    [' \f\n', ''],
    ['# note', '# note'],
  ])('of %j is %j', (text, compared) => {
    expect(new ComparedText(text).text).toBe(compared);
  });

  it('splits where Python splits, which is not where JavaScript does', () => {
    expect(new ComparedText('a\x1cb\x1fc\x85d\u3000e\ufefff').words).toEqual(['a', 'b', 'c', 'd', 'e\ufefff']);
  });

  it('has the same white space between words as in what is left of code points', () => {
    fc.assert(
      fc.property(
        anyText,
        fc.string({ unit: fc.constantFrom('a', '\x1b', '\x1c', '\x1f', '\x20', '\x7f', '\x85', '\u2029', '\ufeff') }),
        (text, more) => {
          const compared = new ComparedText(`${text}${more}`);
          expect([...compared.ink]).toEqual(compared.words.flatMap((word) => [...codePointsOf(word)]));
        },
      ),
    );
  });
});

describe('weighted n-grams', () => {
  it('miss a keyword more than a name', () => {
    const of = (sample: string): number => weightedNgrams('if x : return y'.split(' '), sample.split(' '));
    expect(of('if x : return z')).toBeGreaterThan(of('if x : print y'));
    // Of the weights 1 + 0.2 + 0.2 + 1 + 0.2 all but a name's: 2.4 of 2.6; 3 of 4 pairs, 2 of 3, 1 of 2.
    expect(of('if x : return z')).toBeCloseTo(((2.4 / 2.6) * (3 / 4) * (2 / 3) * (1 / 2)) ** 0.25, 12);
  });
});

describe('repetition', () => {
  test.each([
    ['a b c', null],
    ['a b c d', 0],
    ['a a a a a', 0.5],
    // 5-gram twice: 7 4-grams, abcd and bcde twice each.
    ['a b c d e a b c d e', 2 / 7],
  ])('of 4-grams in %j is %j', (text, share) => {
    const value = repeatedNgrams(text.split(' '));
    if (share === null) expect(value).toBeNull();
    else expect(value).toBeCloseTo(share, 12);
  });

  test.each([
    ['', 0],
    ['\n \n', 0],
    ['a', 1],
    ['a\nb\na\nb2', 1],
    ['a\n  a\n\na', 3],
    ['x\nif a:\n  b\nif a:\n  b\nif a:\n c', 2],
    ['x\nif a:\n  b\nif a:\n  b\nif a:\n  b', 3],
    [Array.from({ length: 18 }, (_, i) => `line ${i % 9}`).join('\n'), 1],
    [Array.from({ length: 16 }, (_, i) => `line ${i % 8}`).join('\r\n'), 2],
  ])('of lines in %j is %d', (text, run) => {
    expect(longestLineRun(text)).toBe(run);
  });
});

describe('lengths and redundancy', () => {
  it('count code points, written lines and tokens', () => {
    expect(measureText({ completion: "    s = '😀é'\n\n    return s[0]\n", ...alone })).toMatchObject({
      characters: 30,
      lines: 2,
      python_tokens: 8,
    });
    expect(measureText({ completion: '\ud83d', ...alone })).toMatchObject({ characters: 1, lines: 1, python_tokens: 1 });
  });

  it('zlib shrinks what repeats and cannot shrink what is short', () => {
    expect(zlibRatio('')).toBeNull();
    expect(zlibRatio('x')).toBe(9);
    expect(zlibRatio('ab'.repeat(5_000))).toBeLessThan(0.01);
    expect(zlibRatio('é')).toBe(5);
  });
});

describe('values of tokens', () => {
  const of = (logprobs: number[], entropies?: number[]) =>
    measureText({ completion: '', reference: null, tokens: { logprobs, entropies } });

  it('are means in nats, and perplexity is the mean of the probabilities the other way round', () => {
    const values = of([Math.log(0.5), Math.log(0.125)], [1, 2]);
    expect(values.mean_logprob).toBeCloseTo(Math.log(0.25), 12);
    expect(values.mean_entropy).toBe(1.5);
    expect(values.perplexity).toBeCloseTo(4, 12);
  });

  it('are null where nothing was generated, and where nothing is stored', () => {
    const nothing = { mean_logprob: null, mean_entropy: null, perplexity: null };
    expect(of([], [])).toMatchObject(nothing);
    expect(measureText({ completion: 'x', ...alone })).toMatchObject(nothing);
    expect(of([-1])).toMatchObject({ mean_logprob: -1, mean_entropy: null });
  });

  test.each([
    [[-1, NaN], [1, 1], /log-probability of token 2 of 2 is NaN/],
    [[-Infinity], [1], /log-probability of token 1 of 1 is -Infinity/],
    [[-1], [Infinity], /entropy of token 1 of 1 is Infinity/],
    [[-1, -2], [1], /2 log-probabilities and 1 entropies/],
  ])('that say nothing are refused: %j and %j', (logprobs, entropies, message) => {
    const measure = () => of(logprobs, entropies);
    expect(measure).toThrow(FaultlineError);
    expect(measure).toThrow(message);
  });
});

describe('any text', () => {
  const tokens = fc.array(
    fc.record(
      { logprob: fc.double({ min: -50, max: 0, noNaN: true }), entropy: fc.double({ min: 0, max: 11, noNaN: true }) },
      { noNullPrototype: true },
    ),
    { maxLength: 5 },
  );

  it('has every measure within its range, null only where the table says so, the same twice', () => {
    const nullable = new Set<string>(rows.flatMap(({ key, nullWhen }) => (nullWhen === null ? [] : [key])));
    fc.assert(
      fc.property(anyText, anyText, tokens, (completion, reference, values) => {
        const sample = {
          completion,
          reference,
          tokens: { logprobs: values.map((v) => v.logprob), entropies: Float32Array.from(values, (v) => v.entropy) },
        };
        const measured = measureText(sample);
        expect(Object.keys(measured)).toEqual(rows.map(({ key }) => key));
        expect(measureText({ ...sample, reference: new ComparedText(reference) })).toEqual(measured);
        for (const { key, range } of rows) {
          const value = measured[key];
          if (value === null) expect(nullable).toContain(key);
          else {
            expect(value).toBeGreaterThanOrEqual(range[0] ?? -Infinity);
            expect(value).toBeLessThanOrEqual((range[1] ?? Infinity) * (1 + 1e-12));
          }
        }
      }),
      { numRuns: 400 },
    );
  });

  it('is 1 like itself, whatever stands before and after it', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const measured = measureText({ completion: `\n \n${text}\n\n`, reference: text });
        for (const key of comparing) expect([key, measured[key]]).toEqual([key, expect.closeTo(1, 12)]);
      }),
    );
  });

  it('is 0 like nothing, and nothing is 1 like nothing', () => {
    const zeros = Object.fromEntries(comparing.map((key) => [key, 0]));
    expect(measureText({ completion: 'x = 1', reference: '' })).toMatchObject(zeros);
    expect(measureText({ completion: '', reference: 'x = 1' })).toMatchObject(zeros);
    expect(measureText({ completion: ' \n', reference: '' })).toMatchObject(Object.fromEntries(comparing.map((key) => [key, 1])));
  });

  it('is as like another one as that is like it, where a measure does not tell sample from reference', () => {
    const symmetric: readonly MeasureKey[] = ['rouge_l', 'edit_similarity', 'token_similarity', 'block_similarity'];
    fc.assert(
      fc.property(anyText, anyText, (a, b) => {
        const [there, back] = [measureText({ completion: a, reference: b }), measureText({ completion: b, reference: a })];
        for (const key of symmetric) expect(there[key]).toBe(back[key]);
      }),
    );
    // The others do: a sample that says too much and one that says too little are not alike.
    const [long, short] = ['return sorted ( values ) [ : 2 ]', 'return values'];
    for (const key of ['bleu', 'chrf', 'weighted_ngrams'] as const) {
      expect(measureText({ completion: long, reference: short })[key]).not.toBe(measureText({ completion: short, reference: long })[key]);
    }
    const [twice, once] = ['x = 1\nx = 1', 'x = 1'];
    expect(measureText({ completion: twice, reference: once }).ast_match).toBe(2 / 3);
    expect(measureText({ completion: once, reference: twice }).ast_match).toBe(2 / 5);
  });

  it('without a reference has no similarities', () => {
    const measured = measureText({ completion: 'x', ...alone });
    for (const key of comparing) expect(measured[key]).toBeNull();
    expect(measured.characters).toBe(1);
  });
});

describe('the table', () => {
  it('has names that a column can have, each once', () => {
    const keys = rows.map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
    for (const key of keys) expect(key).toMatch(/^[a-z]+(?:_[a-z]+)*$/);
  });

  it('is the one in the README, row by row', () => {
    const readme = readFileSync(new URL('../../../src/text-metrics/README.md', import.meta.url), 'utf8');
    const listed = [...readme.matchAll(/^\| `([a-z_]+)` \| ([^|]+) \|/gm)].map(([, key, unit]) => [key, unit]);
    expect(listed).toEqual(rows.map(({ key, unit }) => [key, unit]));
  });
});
