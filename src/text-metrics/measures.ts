/**
 * The table of measures: what is stored, reported and used to predict iterates over it, and nothing else names a measure. Each row's
 * definition stands in a file of its own; here is which form of the texts it is asked about.
 */
import { astMatch } from './ast-match.js';
import { bleu } from './bleu.js';
import { chrf } from './chrf.js';
import { editSimilarity } from './levenshtein.js';
import { pairOf } from './pair.js';
import { longestLineRun, repeatedNgrams } from './repetition.js';
import { rougeL } from './rouge-l.js';
import { LONGEST_PARSED } from './syntax-tree.js';
import { codePointsOf, type ComparedText } from './text.js';
import { meanEntropy, meanLogprob, perplexity, type TokenValues } from './token-values.js';
import { weightedNgrams } from './weighted-ngrams.js';
import { blockSimilarity } from './zhang-shasha.js';
import { zlibRatio } from './zlib-ratio.js';

/** What is measured: two texts to compare, the completion as it was generated, and what is stored for its tokens. */
export interface Measured {
  /** The completion in the form in which it is compared. */
  readonly sample: ComparedText;
  readonly completion: string;
  readonly reference: ComparedText;
  readonly tokens: TokenValues;
}

/** What a row needs beyond the completion: without it the measure is null. */
export type Need = 'reference' | 'tokens' | null;

interface Row {
  /** Name of columns and fields. */
  readonly key: string;
  /** For tables and axes. */
  readonly title: string;
  readonly unit: string;
  /** Which way a model does better by the textbook: nearer to the reference, surer, less repetitive. `none`: neither. */
  readonly better: 'high' | 'low' | 'none';
  /** Bounds, themselves included; null where there is none. */
  readonly range: readonly [low: number | null, high: number | null];
  readonly needs: Need;
  /** When the value is null, although everything is there that the row needs; null where never. */
  readonly nullWhen: string | null;
  readonly of: (measured: Measured) => number | null;
}

export const MEASURES = [
  {
    key: 'bleu',
    title: 'BLEU',
    unit: 'share',
    better: 'high',
    range: [0, 1],
    needs: 'reference',
    nullWhen: null,
    of: ({ reference, sample }) => bleu(pairOf(reference.words, sample.words)),
  },
  {
    key: 'chrf',
    title: 'chrF3',
    unit: 'share',
    better: 'high',
    range: [0, 1],
    needs: 'reference',
    nullWhen: null,
    of: ({ reference, sample }) => chrf(pairOf(reference.ink, sample.ink)),
  },
  {
    key: 'rouge_l',
    title: 'ROUGE-L',
    unit: 'share',
    better: 'high',
    range: [0, 1],
    needs: 'reference',
    nullWhen: null,
    of: ({ reference, sample }) => rougeL(pairOf(reference.words, sample.words)),
  },
  {
    key: 'edit_similarity',
    title: 'edit similarity',
    unit: 'share',
    better: 'high',
    range: [0, 1],
    needs: 'reference',
    nullWhen: null,
    of: ({ reference, sample }) => editSimilarity(pairOf(reference.codePoints, sample.codePoints)),
  },
  {
    key: 'token_similarity',
    title: 'token similarity',
    unit: 'share',
    better: 'high',
    range: [0, 1],
    needs: 'reference',
    nullWhen: null,
    of: ({ reference, sample }) => editSimilarity(pairOf(reference.tokenTexts, sample.tokenTexts)),
  },
  {
    key: 'weighted_ngrams',
    title: 'weighted n-grams',
    unit: 'share',
    better: 'high',
    range: [0, 1],
    needs: 'reference',
    nullWhen: null,
    of: ({ reference, sample }) => weightedNgrams(reference.tokenTexts, sample.tokenTexts),
  },
  {
    key: 'block_similarity',
    title: 'block similarity',
    unit: 'share',
    better: 'high',
    range: [0, 1],
    needs: 'reference',
    nullWhen: null,
    of: ({ reference, sample }) => blockSimilarity(reference.blocks, sample.blocks),
  },
  {
    key: 'ast_match',
    title: 'AST match',
    unit: 'share',
    better: 'high',
    range: [0, 1],
    needs: 'reference',
    nullWhen: `one of the texts has more than ${LONGEST_PARSED} characters, or the parser breaks down on it`,
    of: ({ reference, sample }) => {
      const [wanted, found] = [reference.syntaxTree, sample.syntaxTree];
      return wanted === null || found === null ? null : astMatch(wanted, found);
    },
  },
  {
    key: 'characters',
    title: 'length',
    unit: 'code points',
    better: 'none',
    range: [0, null],
    needs: null,
    nullWhen: null,
    of: ({ completion }) => codePointsOf(completion).length,
  },
  {
    key: 'lines',
    title: 'written lines',
    unit: 'lines',
    better: 'none',
    range: [0, null],
    needs: null,
    nullWhen: null,
    of: ({ completion }) => completion.split(/\r\n|\r|\n/).filter((line) => line.trim() !== '').length,
  },
  {
    key: 'python_tokens',
    title: "Python's tokens",
    unit: 'tokens',
    better: 'none',
    range: [0, null],
    needs: null,
    nullWhen: null,
    of: ({ sample }) => sample.tokenTexts.length,
  },
  {
    key: 'repeated_ngrams',
    title: 'repeated 4-grams',
    unit: 'share',
    better: 'low',
    range: [0, 1],
    needs: null,
    nullWhen: 'the completion has fewer than four tokens',
    of: ({ sample }) => repeatedNgrams(sample.tokenTexts),
  },
  {
    key: 'line_run',
    title: 'longest line run',
    unit: 'times',
    better: 'low',
    range: [0, null],
    needs: null,
    nullWhen: null,
    of: ({ completion }) => longestLineRun(completion),
  },
  {
    key: 'zlib_ratio',
    title: 'zlib ratio',
    unit: 'bytes/byte',
    better: 'none',
    range: [0, null],
    needs: null,
    nullWhen: 'the completion is empty',
    of: ({ completion }) => zlibRatio(completion),
  },
  {
    key: 'mean_logprob',
    title: 'mean log-probability',
    unit: 'nats',
    better: 'high',
    range: [null, 0],
    needs: 'tokens',
    nullWhen: 'nothing was generated',
    of: ({ tokens }) => meanLogprob(tokens),
  },
  {
    key: 'mean_entropy',
    title: 'mean entropy',
    unit: 'nats',
    better: 'low',
    range: [0, null],
    needs: 'tokens',
    nullWhen: 'nothing was generated, or entropies were not recorded',
    of: ({ tokens }) => meanEntropy(tokens),
  },
  {
    key: 'perplexity',
    title: 'perplexity',
    unit: 'per token',
    better: 'low',
    range: [1, null],
    needs: 'tokens',
    nullWhen: 'nothing was generated',
    of: ({ tokens }) => perplexity(tokens),
  },
] as const satisfies readonly Row[];

/** A row of the table. */
export type Measure = Row & { readonly key: MeasureKey };
export type MeasureKey = (typeof MEASURES)[number]['key'];
