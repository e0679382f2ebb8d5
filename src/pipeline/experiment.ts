/**
 * What identifies an experiment, and whether one that was begun elsewhere may be continued here. Talks to the store
 * only through the rows it is handed.
 */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { canonicalResults } from '../config/load.js';
import type { ConfigValues } from '../config/schema.js';
import type { Experiment, ExperimentManifest } from '../store/types.js';
import { kernelMismatch, mixed, sandboxMismatch, type Mismatch } from './mismatch.js';

/** Where the numbers of this run would come from. */
export interface Provenance {
  readonly modelHash: string;
  readonly tokenizerHash: string;
  readonly problemsHash: string;
  readonly device: string;
  readonly deviceName: string;
  readonly kernelFamily: string;
  readonly isa: string;
  readonly cpu: string;
  readonly pythonVersion: string;
  readonly isolationTier: string;
  readonly calibration: number;
  readonly version: string;
}

/** The experiment's name: the config's, or the names of model and problems. */
export function experimentName(values: ConfigValues): string {
  if (values.experiment !== null) return values.experiment;
  const short = (path: string): string => basename(path).replace(/(\.jsonl)?(\.gz)?$/i, '');
  const name = `${short(values['model.path'])}-${short(values['problems.path'])}`.replace(/[^A-Za-z0-9._-]/g, '_');
  return name.replace(/^[^A-Za-z0-9]+/, '').slice(0, 100);
}

export function createManifest(values: ConfigValues, provenance: Provenance): ExperimentManifest {
  const name = experimentName(values);
  const config = canonicalResults({ ...values, experiment: name });
  const { modelHash, tokenizerHash, problemsHash } = provenance;
  const hash = createHash('sha256')
    .update(JSON.stringify([config, modelHash, tokenizerHash, problemsHash]))
    .digest('hex');
  return { name, config, hash, seed: values.seed.toString(), dtype: values['model.dtype'], ...provenance };
}

/** Whether an experiment has executed anything yet; until then it has no Python, tier and calibration, and those of any sandbox do. */
export function sandboxKnown({ pythonVersion }: Pick<ExperimentManifest, 'pythonVersion'>): boolean {
  return pythonVersion !== '';
}

/** The first mismatch of an experiment as recorded and as it would go on; null where results may stand side by side. */
export function mismatch(recorded: Experiment, now: ExperimentManifest): Mismatch | null {
  const executed = sandboxKnown(recorded) && sandboxKnown(now);
  return kernelMismatch(now.dtype, recorded, now) ?? (executed ? sandboxMismatch(recorded, now) : null);
}

/**
 * Stops a resume that would mix results of two kinds. The hash leaves these out because they are this machine's, not
 * the config's.
 * @throws FaultlineError kind `environment` that names both and the ways out
 */
export function checkResumable(recorded: Experiment, now: ExperimentManifest): void {
  const found = mismatch(recorded, now);
  if (found === null) return;
  throw mixed(found, `experiment ${recorded.name}`, 'begin a new experiment with --experiment NAME or another --db');
}
