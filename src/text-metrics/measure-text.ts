/** All measures of one sample. Which ones there are: `measures.ts`. Stores nothing. */
import { MEASURES, type Measure, type MeasureKey } from './measures.js';
import { ComparedText } from './text.js';
import type { TokenValues } from './token-values.js';

/** What `measureText` is asked about. */
export interface SampleToMeasure {
  /** As it was generated, without the prompt. */
  readonly completion: string;
  /**
   * The canonical solution, without the prompt; null where there is none. A `ComparedText` serves all samples of a problem and
   * is taken apart once.
   */
  readonly reference: string | ComparedText | null;
  /** What is stored for the sample's tokens; null or absent where nothing is. */
  readonly tokens?: TokenValues | null;
}

/** One value for each measure; null is explained by the row's `needs` and `nullWhen`. */
export type TextMeasures = Readonly<Record<MeasureKey, number | null>>;

/**
 * All measures of a sample, a function of its arguments alone. Synchronous, safe on any thread that has awaited `loadGrammar`.
 * @throws FaultlineError kind `input` where a log-probability or an entropy is not finite, or their counts differ; `internal` where there
 *   is a reference and the grammar was not loaded
 */
export function measureText({ completion, reference, tokens = null }: SampleToMeasure): TextMeasures {
  const comparedReference = typeof reference === 'string' ? new ComparedText(reference) : reference;
  const measured = {
    completion,
    sample: new ComparedText(completion),
    reference: comparedReference ?? NOTHING,
    tokens: tokens ?? NO_TOKENS,
  };
  const values: Partial<Record<MeasureKey, number | null>> = {};
  for (const { key, needs, of } of MEASURES as readonly Measure[]) {
    const missing = (needs === 'reference' && comparedReference === null) || (needs === 'tokens' && tokens === null);
    values[key] = missing ? null : of(measured);
  }
  return values as TextMeasures;
}

/** Stand-ins that no row sees that needs the real thing. */
const NOTHING = new ComparedText('');
const NO_TOKENS: TokenValues = { logprobs: [] };
