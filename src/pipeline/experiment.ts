/**
 * What identifies an experiment, and whether one that was begun elsewhere may be continued here. Talks to the store
 * only through the rows it is handed.
 */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { canonicalResults } from '../config/load.js';
import type { ConfigValues } from '../config/schema.js';
import { FaultlineError } from '../errors.js';
import type { Experiment, ExperimentManifest } from '../store/types.js';
import { kernelsOf } from './device.js';

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

/** What makes two machines' results ones of two kinds, though an experiment's hash leaves it out. */
export interface Mismatch {
  /** Such as `Python`. */
  readonly what: string;
  readonly then: string;
  readonly now: string;
  /** How to come by what there was then. */
  readonly ways: string;
}

/** Whether an experiment has executed anything yet; until then it has no Python, tier and calibration, and those of any sandbox do. */
export function sandboxKnown({ pythonVersion }: Pick<ExperimentManifest, 'pythonVersion'>): boolean {
  return pythonVersion !== '';
}

/** The first mismatch of an experiment as recorded and as it would go on; null where results may stand side by side. */
export function mismatch(recorded: Experiment, now: ExperimentManifest): Mismatch | null {
  const [then, here] = [kernelsOf(recorded), kernelsOf(now)];
  const kernels =
    then === null || here === null ? [] : [{ what: `${now.dtype} kernels`, then, now: here, ways: kernelWays(recorded, now) }];
  const sandboxes = sandboxKnown(recorded) && sandboxKnown(now) ? sandboxMismatches(recorded, now) : [];
  return [...kernels, ...sandboxes].find((row) => row.then !== row.now) ?? null;
}

function sandboxMismatches(recorded: Experiment, now: ExperimentManifest): Mismatch[] {
  return [
    {
      what: 'Python',
      then: recorded.pythonVersion,
      now: now.pythonVersion,
      ways: 'set sandbox.python to that Python (messages and syntax differ between versions, and may between patch releases)',
    },
    {
      what: 'isolation',
      then: recorded.isolationTier,
      now: now.isolationTier,
      ways: 'set sandbox.tier to it, or continue where it is available',
    },
  ];
}

/**
 * Stops a resume that would mix results of two kinds. The hash leaves these out because they are this machine's, not
 * the config's. Float32 is the same on every CPU and GPU, so its kernels do not matter; nor do int8's but for their version.
 * @throws FaultlineError kind `environment` that names both and the ways out
 */
export function checkResumable(recorded: Experiment, now: ExperimentManifest): void {
  const found = mismatch(recorded, now);
  if (found === null) return;
  throw new FaultlineError(
    'environment',
    `experiment ${recorded.name} was begun with ${found.what} ${found.then}, and here it is ${found.now}`,
    {
      hint: `To go on, ${found.ways}, or begin a new experiment with --experiment NAME or another --db.`,
    },
  );
}

/** The number at the end of a family's name, which tells versions of it apart: 2 of `dpbf16-2` and of `mma2`, 1 where there is none. */
function familyVersion(kernelFamily: string): string {
  return /^(?:mma|.+-)(\d+)$/.exec(kernelFamily)?.[1] ?? '1';
}

/**
 * How to come by the kernels that an experiment was begun with. A CPU that is better than the one then can be told to do as that one did;
 * a CPU that is worse cannot, and `FAULTLINE_FORCE_ISA` then says so. Kernels of another version are in no machine.
 */
function kernelWays({ device, isa, kernelFamily, version }: Experiment, now: ExperimentManifest): string {
  if (device === now.device && familyVersion(kernelFamily) !== familyVersion(now.kernelFamily))
    return `continue with the version of faultline that began it (${version}, kernels ${kernelFamily}), use model.dtype float32`;
  const machine =
    device === 'cpu'
      ? `with --device cpu and FAULTLINE_FORCE_ISA=${isa} on a CPU that has it (kernels ${kernelFamily})`
      : `with --device cuda on a GPU of architecture ${isa}`;
  return `continue ${machine}, use model.dtype float32`;
}
