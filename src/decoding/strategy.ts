/**
 * How tokens are chosen: what a strategy is, and the table of those there are. A new one is a file beside this one and
 * a row in the table; none of them touches the engine from here.
 */
import type { SamplingParameters } from '../engine/types.js';
import { FaultlineError, nearest } from '../errors.js';
import { eta } from './eta.js';
import { greedy } from './greedy.js';
import { minP } from './min-p.js';
import { nucleus } from './nucleus.js';
import { temperature } from './temperature.js';
import { topK } from './top-k.js';
import { typical } from './typical.js';

/** A strategy that the engine's sampler carries out by itself: every one whose tokens depend on one distribution. */
export interface Strategy {
  /** What configs, the store and reports call it. */
  readonly name: string;
  readonly summary: string;
  /** The parameters that change what it draws. */
  readonly parameters: readonly (keyof SamplingParameters)[];
  /** Whether checked parameters switch it on. Of those that are on, the last one in the table is what they describe. */
  readonly on: (sampling: SamplingParameters) => boolean;
}

/** In the order in which they apply (native/sampler/truncations.def); greedy comes alone. */
export const strategies: readonly Strategy[] = [greedy, temperature, topK, nucleus, minP, typical, eta];

/** The engine's bound too (sampler.cc): below it, logits divided by the temperature leave float32's range. */
const TEMPERATURE_LEAST = 0.000001;

/** The engine's bound for what it takes the logarithm of (sampler.h): smaller numbers are no normal ones in float32. */
const PROBABILITY_LEAST = 1e-37;

/** Takes no parameter for granted: everything off, the model's own distribution. */
export const PLAIN_SAMPLING: SamplingParameters = { temperature: 1, topK: 0, topP: 1, minP: 0, typical: 1, eta: 0 };

/**
 * Checks sampling parameters and finds the strategy that they describe. What is not given is off; temperature 0 is
 * greedy whatever the others say: it takes the most likely token of the model's own distribution.
 *
 * @param name the strategy that is meant, for a check; `sample` stands for any. Errors are `usage` and name the parameter.
 */
export function resolveStrategy(given: Partial<SamplingParameters>, name = 'sample'): { strategy: Strategy; sampling: SamplingParameters } {
  const named = strategies.find((row) => row.name === name);
  if (named === undefined && name !== 'sample') {
    const names = ['sample', ...strategies.map((row) => row.name)];
    throw new FaultlineError('usage', `there is no strategy ${JSON.stringify(name)}`, {
      hint: `Use one of ${(nearest(name, names).length > 0 ? nearest(name, names) : names).join(', ')}.`,
    });
  }
  const asked = checkedSampling({ ...PLAIN_SAMPLING, ...(named === greedy ? { temperature: 0 } : {}), ...given });
  const sampling = asked.temperature === 0 ? { ...PLAIN_SAMPLING, temperature: 0 } : asked;
  const strategy = strategies.findLast((row) => row.on(sampling))!;
  if (named !== undefined && strategy !== named && strategy !== greedy) {
    throw new FaultlineError(
      'usage',
      `these parameters describe the strategy ${strategy.name}, not ${named.name}, which takes ${named.parameters.join(', ') || 'none'}`,
      {
        hint: `Leave out what ${named.name} does not take, or name the strategy ${strategy.name}.`,
      },
    );
  }
  return { strategy, sampling };
}

function checkedSampling(sampling: SamplingParameters): SamplingParameters {
  const fail = (parameter: string, value: number, expected: string): never => {
    throw new FaultlineError('usage', `${parameter} is ${value}, expected ${expected}`, { hint: `Give another ${parameter}.` });
  };
  const { temperature: t, topK: k, topP: p, minP: m, typical: y, eta: e } = sampling;
  // The engine computes in float32, where a smaller temperature would be 0 and so another strategy than the one recorded.
  if (!(t === 0 || (t >= TEMPERATURE_LEAST && Number.isFinite(Math.fround(t)))))
    fail('temperature', t, `0 (greedy) or a number from ${TEMPERATURE_LEAST} up`);
  if (!(Number.isInteger(k) && k >= 0 && k < 2 ** 31)) fail('top-k', k, `a whole number from 0 (off) to ${2 ** 31 - 1}`);
  if (!(Math.fround(p) > 0 && p <= 1)) fail('top-p', p, 'a number above 0 and up to 1 (off)');
  if (!(m === 0 || (m >= PROBABILITY_LEAST && m <= 1))) fail('min-p', m, `0 (off) or a number from ${PROBABILITY_LEAST} to 1`);
  if (!(y >= PROBABILITY_LEAST && y <= 1)) fail('typical', y, `a number from ${PROBABILITY_LEAST} to 1 (off)`);
  if (!(e === 0 || (e >= PROBABILITY_LEAST && Math.fround(e) < 1)))
    fail('eta', e, `0 (off) or a number from ${PROBABILITY_LEAST} to below 1`);
  return sampling;
}
