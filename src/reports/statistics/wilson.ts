/** The score interval of a proportion. Assumes independent trials: samples of one problem are not, problems are. */
import { normalQuantile } from './normal.js';

/**
 * Wilson's score interval.
 * Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927);
 * recommended for small n by Brown, Cai and DasGupta, Statistical Science 16 (2001).
 * @param successes 0 to `trials`; may be fractional where a mean over trials is known rather than a count
 * @param trials at least 1
 */
export function wilsonInterval(successes: number, trials: number, confidence = 0.95): { readonly low: number; readonly high: number } {
  if (!(trials >= 1) || !(successes >= 0) || !(successes <= trials)) {
    throw new RangeError(`a proportion needs 0 <= successes <= trials and trials >= 1, not ${successes} of ${trials}`);
  }
  const z = normalQuantile((1 + confidence) / 2);
  const p = successes / trials;
  const shrink = 1 + (z * z) / trials;
  const centre = (p + (z * z) / (2 * trials)) / shrink;
  const half = (z / shrink) * Math.sqrt((p * (1 - p)) / trials + (z * z) / (4 * trials * trials));
  // The ends are exact at 0 and 1; rounding would put them a hair outside.
  return { low: successes === 0 ? 0 : Math.max(0, centre - half), high: successes === trials ? 1 : Math.min(1, centre + half) };
}
