/** In what stored experiments differ before anything came of them: their settings. Knows no result. */
import { FaultlineError } from '../errors.js';
import type { Experiment } from '../store/types.js';
import { drawsAs, isGreedy, STRATEGY_ENTRIES, type StrategyValues } from './draws.js';

/** Something that is not the same for all, as text. */
export interface DifferingSetting {
  readonly key: string;
  /** One an experiment, in their order; empty where it has none. */
  readonly values: readonly string[];
}

/** What the rows say beside the config, and what a reader of several results wants to know. */
const FACTS = [
  'seed',
  'modelHash',
  'tokenizerHash',
  'problemsHash',
  'dtype',
  'device',
  'kernelFamily',
  'pythonVersion',
  'isolationTier',
  'version',
] as const;

/** Entries of the configs, those about categories, and facts, in the order in which they first occur. */
export function differingSettings(experiments: readonly Experiment[]): DifferingSetting[] {
  const entries = experiments.map(
    (experiment): Map<string, string> =>
      new Map([
        ...Object.entries(JSON.parse(experiment.config) as Record<string, unknown>).map(([key, value]) => [key, textOf(value)] as const),
        ...Object.entries(JSON.parse(experiment.categorySettings ?? '{}') as Record<string, unknown>).map(
          ([key, value]) => [key, textOf(value)] as const,
        ),
        ...(experiment.categorySettings === null ? [['categories', 'not recorded'] as const] : []),
        ...FACTS.map((key) => [key, experiment[key]] as const),
      ]),
  );
  return [...new Set(entries.flatMap((each) => [...each.keys()]))]
    .map((key) => ({ key, values: entries.map((each) => each.get(key) ?? '') }))
    .filter(({ values }) => new Set(values).size > 1);
}

/** The value of one entry of an experiment's config as text; null where it has none, as of samples that were made elsewhere. */
export function settingOf({ config }: Experiment, key: string): string | null {
  const value = (JSON.parse(config) as Record<string, unknown>)[key];
  return value === undefined ? null : textOf(value);
}

/**
 * What decides what an experiment's samples are, but for their number: with equal texts, samples of one problem and index are one draw, to the
 * kernels' rounding. Entries that the strategy does not look at are no part of it, and greedy decoding asks for no seed.
 */
export function drawsOf({ config, seed, modelHash, tokenizerHash, dtype }: Experiment): string {
  const entries = Object.entries(JSON.parse(config) as Record<string, unknown>).filter(([key]) => key.startsWith('strategy.'));
  const resolved = resolvedDraws(entries);
  return JSON.stringify([resolved?.greedy === true ? null : seed, modelHash, tokenizerHash, dtype, resolved?.draws ?? entries]);
}

/** Null where the entries are not those of this version's strategies, as of samples that were made elsewhere: then the entries themselves tell. */
function resolvedDraws(entries: readonly (readonly [string, unknown])[]): { readonly draws: string; readonly greedy: boolean } | null {
  if (entries.length === 0 || entries.some(([key]) => !STRATEGY_ENTRIES.has(key))) return null;
  const values = Object.fromEntries(entries) as StrategyValues;
  try {
    return { draws: drawsAs(values), greedy: isGreedy(values) };
  } catch (thrown) {
    if (!(thrown instanceof FaultlineError)) throw thrown;
    return null;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
