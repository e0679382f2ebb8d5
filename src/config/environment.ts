/**
 * Which variables that begin with FAULTLINE_ there are, so that a misspelt one is refused and not ignored. The values of
 * config entries are read in `load.ts`, the others where they are used.
 */
import { FaultlineError, nearest } from '../errors.js';
import { environmentName, KEYS } from './schema.js';

const PREFIX = 'FAULTLINE_';

/** The variables that set no config entry. */
export const OTHER_VARIABLES = {
  FAULTLINE_HOME: 'cache folder of fetched models and data sets',
  FAULTLINE_FORCE_ISA: 'instruction set that the engine must use',
  FAULTLINE_ADDON: 'path of the engine',
  FAULTLINE_CUDA: 'AUTO, ON or OFF: whether the native build includes the CUDA backend',
  FAULTLINE_CUDA_LIBRARY: "path of the CUDA backend's library",
  FAULTLINE_LAUNCHER: "path of the sandbox's launcher",
  FAULTLINE_DEBUG: '1 adds stacks to errors',
  FAULTLINE_TEST_PYTHON: 'interpreter of the sandbox tests',
  FAULTLINE_HASH_SEEDS: 'all runs what cannot show the hash seed under ten further seeds in the agreement test, not three',
  FAULTLINE_HOSTILE: 'all lets twenty executions follow every hostile program in every setting of the sandbox tests',
  FAULTLINE_STABILITY_SAMPLES: 'how many samples the test of stability executes, 2000 at most',
  FAULTLINE_SIMT_LIBRARY: "path of the tests' emulated backend",
  FAULTLINE_SIMT_CAPABILITY: 'compute capability of the emulated device, such as 75',
  FAULTLINE_SIMT_FAIL: 'what the emulated backend fails with',
  FAULTLINE_SIMT_MEMORY: "bytes of the emulated device's memory",
  FAULTLINE_SIMT_SCHEDULE: 'order in which the emulated backend runs threads',
  FAULTLINE_UPDATE: '1 lets the tests rewrite transcripts and tables',
} as const;

/** Throws `usage` for a variable that is nearly one of ours, with the nearest names. Looks at names only. */
export function checkEnvironment(environment: Readonly<Record<string, string | undefined>>): void {
  const known = new Set([...KEYS.map(environmentName), ...Object.keys(OTHER_VARIABLES)]);
  const unknown = Object.keys(environment).find((name) => name.startsWith(PREFIX) && environment[name] !== undefined && !known.has(name));
  if (unknown === undefined) return;
  const own = (name: string): string => name.slice(PREFIX.length);
  const near = nearest(own(unknown), [...known].map(own)).map((name) => PREFIX + name);
  throw new FaultlineError('usage', `unknown variable ${unknown}`, {
    hint:
      near.length > 0
        ? `Did you mean ${near.join(' or ')}?`
        : `Unset it; variables are ${Object.keys(OTHER_VARIABLES).join(', ')}, and the config's keys such as FAULTLINE_MODEL_PATH.`,
  });
}
