/**
 * From a config that compares strategies to the experiments that this means: what each is called, how often it draws, and whether they differ
 * at all. Runs none of them.
 */
import type { Config, StrategyConfig, Study } from '../config/load.js';
import { entryError } from '../config/origin-errors.js';
import { ENTRIES } from '../config/schema.js';
import { Mismatch } from '../config/value-types.js';
import { FaultlineError } from '../errors.js';
import { drawsAs, isGreedy } from './draws.js';
import { experimentName } from './experiment.js';

/** A config with a section `strategies`. */
export type Strategies = Study & { readonly strategies: readonly StrategyConfig[] };

/** One strategy as an experiment of its own: what a config of it alone, under that name, would be. */
export interface StrategyExperiment {
  /** As the config names it. */
  readonly strategy: string;
  readonly config: Config;
}

/**
 * The experiments of a config, in its order. A greedy strategy takes one sample of a problem, whatever the others take, as all would be equal.
 * @throws FaultlineError kind `usage`, at its place in the file: for two strategies that draw alike, for parameters that do not go together, for
 *   `samples` of a greedy one, and for a name that is too long
 */
export function strategyExperiments({ config, strategies }: Strategies): StrategyExperiment[] {
  const drawn = new Map<string, StrategyConfig>();
  return strategies.map((each) => {
    const draws = drawsOf(each);
    const twin = drawn.get(draws);
    if (twin !== undefined) {
      throw new FaultlineError('usage', `strategies.${each.name} draws as strategies.${twin.name} does: ${draws}`, {
        place: each.place,
        hint: 'Change a parameter of one of them, or leave one out: the same seed draws the same samples.',
      });
    }
    drawn.set(draws, each);
    const experiment = nameOf(experimentName(config.values), each);
    return { strategy: each.name, config: { ...each.config, values: { ...each.config.values, experiment, samples: samplesOf(each) } } };
  });
}

/** As {@link drawsAs}; an error is at the strategy's place. */
function drawsOf({ name, place, config }: StrategyConfig): string {
  try {
    return drawsAs(config.values);
  } catch (thrown) {
    if (!(thrown instanceof FaultlineError)) throw thrown;
    throw thrown.restated(`strategies.${name}: ${thrown.message}`, place);
  }
}

function samplesOf({ name, own, config: { values, origins } }: StrategyConfig): number {
  if (!isGreedy(values)) return values.samples;
  // Those at the top of the file and those of a flag are meant for whoever draws by chance.
  if (own.includes('samples') && origins.samples.from === 'file' && values.samples > 1) {
    throw entryError(
      origins.samples,
      'samples',
      `strategies.${name} is greedy, and its ${values.samples} samples of a problem would be equal`,
      {
        hint: 'Leave samples out here: a greedy strategy takes one.',
      },
    );
  }
  return 1;
}

function nameOf(shared: string, { name, place }: StrategyConfig): string {
  try {
    return ENTRIES.experiment.type.fromText(`${shared}-${name}`)!;
  } catch (thrown) {
    if (!(thrown instanceof Mismatch)) throw thrown;
    throw new FaultlineError('usage', thrown.about(`the experiment of strategies.${name}`), {
      place,
      hint: 'A name has 100 characters at most: give a shorter one with --experiment, or to the strategy.',
    });
  }
}
