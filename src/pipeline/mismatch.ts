/**
 * What of a machine decides results, and whether what was begun under one may go on under another: in an experiment, in an unfinished
 * output file, or side by side in a merge. Compares what it is handed; looks at no machine itself.
 */
import { FaultlineError, type Place } from '../errors.js';
import { kernelsOf } from './device.js';

/** What computed samples. `isa` is the CPU's instruction set or the GPU's architecture, `version` faultline's. */
export interface Computed {
  readonly device: string;
  readonly kernelFamily: string;
  readonly isa: string;
  readonly version: string;
}

/** What ran programs. */
export interface Executed {
  readonly pythonVersion: string;
  readonly isolationTier: string;
}

/** What makes two machines' results ones of two kinds, though an experiment's hash and a file's fingerprint leave it out. */
export interface Mismatch {
  /** Such as `Python`. */
  readonly what: string;
  readonly then: string;
  readonly now: string;
  /** How to come by what there was then. */
  readonly ways: string;
}

/** Null where samples of both, in one dtype, may stand side by side: float32 is the same everywhere, and int8 but for its version. */
export function kernelMismatch(dtype: string, then: Computed, now: Computed): Mismatch | null {
  const [before, here] = [kernelsOf({ dtype, ...then }), kernelsOf({ dtype, ...now })];
  if (before === null || here === null || before === here) return null;
  return { what: `${dtype} kernels`, then: before, now: here, ways: kernelWays(then, now) };
}

/** Null where verdicts of both may stand side by side. */
export function sandboxMismatch(then: Executed, now: Executed): Mismatch | null {
  const rows = [
    {
      what: 'Python',
      then: then.pythonVersion,
      now: now.pythonVersion,
      ways: 'set sandbox.python to that Python (messages and syntax differ between versions, and may between patch releases)',
    },
    {
      what: 'isolation',
      then: then.isolationTier,
      now: now.isolationTier,
      ways: 'set sandbox.tier to it, or continue where it is available',
    },
  ];
  return rows.find((row) => row.then !== row.now) ?? null;
}

/**
 * What a resume stops with that would mix results of two kinds: an error of kind `environment` that names both and the ways out.
 * @param begun what was begun: in words, or the file that holds it
 * @param anew how to begin anew instead, such as `begin a new experiment with --experiment NAME`
 */
export function mixed(found: Mismatch, begun: string | Place, anew: string): FaultlineError {
  const [subject, place] = typeof begun === 'string' ? [`${begun} `, {}] : ['', begun];
  return new FaultlineError('environment', `${subject}was begun with ${found.what} ${found.then}, and here it is ${found.now}`, {
    place,
    hint: `To go on, ${found.ways}, or ${anew}.`,
  });
}

/** The number at the end of a family's name, which tells versions of it apart: 2 of `dpbf16-2` and of `mma2`, 1 where there is none. */
function familyVersion(kernelFamily: string): string {
  return /^(?:mma|.+-)(\d+)$/.exec(kernelFamily)?.[1] ?? '1';
}

/**
 * How to come by the kernels that something was begun with. A CPU that is better than the one then can be told to do as that one did;
 * a CPU that is worse cannot, and `FAULTLINE_FORCE_ISA` then says so. Kernels of another version are in no machine.
 */
function kernelWays({ device, isa, kernelFamily, version }: Computed, now: Computed): string {
  if (device === now.device && familyVersion(kernelFamily) !== familyVersion(now.kernelFamily))
    return `continue with the version of faultline that began it (${version}, kernels ${kernelFamily}), use model.dtype float32`;
  const machine =
    device === 'cpu'
      ? `with --device cpu and FAULTLINE_FORCE_ISA=${isa} on a CPU that has it (kernels ${kernelFamily})`
      : `with --device cuda on a GPU of architecture ${isa}`;
  return `continue ${machine}, use model.dtype float32`;
}
