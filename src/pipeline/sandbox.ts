/** The sandbox as a config asks for it. The sandbox itself is `src/sandbox/`. */
import type { ConfigValues } from '../config/schema.js';
import type { Limits } from '../sandbox/executor.js';
import { ProcessExecutor } from '../sandbox/process-executor.js';

export function limitsOf(values: ConfigValues): Limits {
  return {
    cpuSeconds: values['limits.cpu_seconds'],
    wallSeconds: values['limits.wall_seconds'],
    memoryBytes: values['limits.memory'],
    outputBytes: values['limits.output'],
    fileBytes: values['limits.file_size'],
    processes: values['limits.processes'],
  };
}

/**
 * Starts the sandbox. The caller disposes it.
 * @param calibration what the experiment recorded when it was begun; measured anew without
 */
export function openSandbox(values: ConfigValues, calibration?: number): Promise<ProcessExecutor> {
  const python = values['sandbox.python'];
  const workers = values['sandbox.workers'];
  const tier = values['sandbox.tier'];
  return ProcessExecutor.create({
    limits: limitsOf(values),
    unsafe: values['sandbox.unsafe'],
    ...(python === null ? {} : { python }),
    ...(workers === null ? {} : { workers }),
    ...(tier === null ? {} : { tier }),
    ...(calibration === undefined ? {} : { calibration }),
  });
}
