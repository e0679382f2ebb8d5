/** What decides how samples are drawn: the strategy that a config's parameters describe, and what tells two apart. Loads no model. */
import type { ConfigValues } from '../config/schema.js';
import { PLAIN_SAMPLING, resolveStrategy } from '../decoding/strategy.js';
import type { SamplingParameters } from '../engine/types.js';

/** The entry of each parameter. */
const ENTRY_OF = {
  temperature: 'strategy.temperature',
  topK: 'strategy.top_k',
  topP: 'strategy.top_p',
  minP: 'strategy.min_p',
  typical: 'strategy.typical',
  eta: 'strategy.eta',
} as const satisfies Readonly<Record<keyof SamplingParameters, keyof ConfigValues>>;

/** Entries of a config that tell the strategy; one that is not there is off. */
export type StrategyValues = Partial<Pick<ConfigValues, 'strategy.name' | (typeof ENTRY_OF)[keyof SamplingParameters]>>;

const PARAMETERS = Object.keys(ENTRY_OF) as (keyof SamplingParameters)[];

/** What of a config's entries may change the draws. */
export const STRATEGY_ENTRIES: ReadonlySet<string> = new Set(['strategy.name', ...Object.values(ENTRY_OF)]);

/**
 * The strategy that a config's parameters describe; its name is the store's. Temperature 0 is greedy, whatever it was called.
 * @throws FaultlineError kind `usage` for parameters that are none, or do not go together
 */
export function strategyOf(values: StrategyValues): ReturnType<typeof resolveStrategy> {
  const name = values['strategy.name'];
  if (name === 'greedy') return resolveStrategy({}, name);
  const given = PARAMETERS.flatMap((key) => (values[ENTRY_OF[key]] === undefined ? [] : [[key, values[ENTRY_OF[key]]]]));
  return resolveStrategy(Object.fromEntries(given) as Partial<SamplingParameters>, name);
}

/** Whether every sample of a problem is the same text, whatever its index and the seed. */
export function isGreedy(values: StrategyValues): boolean {
  return strategyOf(values).sampling.temperature === 0;
}

/** The strategy and the parameters that are on, as text to compare and to show: equal texts draw alike. Throws as {@link strategyOf}. */
export function drawsAs(values: StrategyValues): string {
  const { strategy, sampling } = strategyOf(values);
  const on = strategy.parameters.filter((key) => key === 'temperature' || sampling[key] !== PLAIN_SAMPLING[key]);
  return [strategy.name, ...on.map((key) => `${key} ${sampling[key]}`)].join(', ');
}
