/** Means over the numbers that the engine stores for each token. Knows no model, and no text. */
import { FaultlineError } from '../errors.js';

/** What is stored for the tokens of one sample, in order. */
export interface TokenValues {
  /** Log-probability of each token under the unmodified model, in nats. */
  readonly logprobs: ArrayLike<number>;
  /** Entropy in nats of the distribution that each token was drawn from; absent where nobody recorded it. */
  readonly entropies?: ArrayLike<number> | undefined;
}

/** Mean log-probability in nats; null without tokens. */
export function meanLogprob({ logprobs }: TokenValues): number | null {
  return mean(logprobs, 'log-probability');
}

/** Mean entropy in nats; null without tokens, or without entropies. */
export function meanEntropy({ logprobs, entropies }: TokenValues): number | null {
  if (entropies === undefined) return null;
  if (entropies.length !== logprobs.length) {
    throw new FaultlineError('input', `a sample has ${logprobs.length} log-probabilities and ${entropies.length} entropies`, {
      hint: 'There must be one of each for every token.',
    });
  }
  return mean(entropies, 'entropy');
}

/**
 * Perplexity per token: exp(-mean log-probability), 1 where every token was certain. Null without tokens; Infinity where the mean is
 * below -709.
 */
export function perplexity(values: TokenValues): number | null {
  const logprob = meanLogprob(values);
  return logprob === null ? null : Math.exp(-logprob);
}

/** @throws FaultlineError kind `input` where a value is not finite: a mean would hide which */
function mean(values: ArrayLike<number>, what: string): number | null {
  if (values.length === 0) return null;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) {
      throw new FaultlineError('input', `the ${what} of token ${i + 1} of ${values.length} is ${value}, not a finite number`, {
        hint: 'Nothing can be measured from it: leave the numbers of this sample out, or make them again.',
      });
    }
    sum += value;
  }
  return sum / values.length;
}
