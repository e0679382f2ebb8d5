/** Which part of an experiment's work a run does: what `--shard` asks for, against what the database holds. Stores nothing. */
import { heldBy, sameShard, showShard, WHOLE, type Shard } from '../config/shard.js';
import type { Config } from '../config/load.js';
import { entryError } from '../config/origin-errors.js';
import type { Store } from '../store/store.js';
import type { Experiment } from '../store/types.js';

/**
 * The shards that a run works on: the one asked for, else those that the database holds, else the whole.
 * @param held the database's, null where the experiment is new to it
 * @throws FaultlineError kind `usage` for a shard without a problem, and for one that does not fit those of the database
 */
export function shardsToRun(config: Pick<Config, 'values' | 'origins'>, held: readonly Shard[] | null, problems: number): readonly Shard[] {
  const asked = config.values.shard;
  if (asked === null) return held ?? [WHOLE];
  const refuse = (reason: string, hint: string): never => {
    throw entryError(config.origins.shard, 'shard', reason, { hint });
  };
  if (asked.count > problems) {
    refuse(
      `${showShard(asked)} of ${problems} ${problems === 1 ? 'problem' : 'problems'}: some shards would hold none`,
      `A shard holds whole problems: ask for at most ${problems} shards.`,
    );
  }
  const others = (held ?? []).filter((shard) => !sameShard(shard, asked));
  if (others.length === held?.length && others.some(({ count }) => count !== asked.count)) {
    refuse(
      `${showShard(asked)} does not fit the database, which holds ${describeShards(others)} of this experiment`,
      `Leave the shard out to go on with what is there, or give this one a database of its own with --db and join both with \`faultline merge\`.`,
    );
  }
  return [asked];
}

/** `the whole`, `shard 0/2`, `shards 0/4 and 3/4`. */
export function describeShards(shards: readonly Shard[]): string {
  if (shards.some((shard) => sameShard(shard, WHOLE))) return 'the whole';
  const names = shards.map(showShard);
  return names.length === 1 ? `shard ${names[0]!}` : `shards ${names.slice(0, -1).join(', ')} and ${names.at(-1)!}`;
}

/** What an experiment's database is to hold, and what the whole experiment is, in samples. */
export interface Extent {
  readonly shards: readonly Shard[];
  /** Samples of the problems that the shards hold. */
  readonly held: number;
  /** Samples of all problems. */
  readonly whole: number;
}

/** Null where the experiment's config does not say how many samples a problem has, which only a foreign one does not. */
export function extentOf(store: Store, { id, config }: Experiment): Extent | null {
  const samples = samplesPerProblem(config);
  if (samples === null) return null;
  const shards = store.workShards(id);
  const problems = store.problems(id);
  return { shards, held: heldBy(shards, problems).length * samples, whole: problems.length * samples };
}

/**
 * Whether everything that the database is to hold of an experiment is there, with a verdict. A foreign one is to hold what it holds: an import stores
 * all samples of its file, at least one, before it judges the first.
 */
export function isComplete(store: Store, experiment: Experiment): boolean {
  const { samples, executed, infra } = store.counts(experiment.id);
  const held = extentOf(store, experiment)?.held ?? Math.max(1, samples);
  return samples >= held && executed + infra >= held;
}

function samplesPerProblem(config: string): number | null {
  try {
    const { samples } = JSON.parse(config) as { samples?: unknown };
    return typeof samples === 'number' ? samples : null;
  } catch {
    return null;
  }
}
