/** What `faultline doctor` says about the sandbox: found by starting it. Executes no sample. */
import { FaultlineError, reasonOf } from '../errors.js';
import { DEFAULT_LIMITS } from './limits.js';
import { findPython, type Python } from './python.js';
import type { IsolationTier } from './verdict.js';
import { Worker } from './worker.js';

export interface SandboxReport {
  /** The tier that `run` would use; null when samples cannot be executed. */
  readonly tier: IsolationTier | null;
  /** Why not the best tier, or why none; null when it is the best. */
  readonly reason: string | null;
  /** The next step where there is a reason. */
  readonly hint: string | null;
  readonly python: Python | null;
  /** From the start of the launcher until judge and zygote are ready: the least of three starts. */
  readonly launchMilliseconds: number | null;
}

/** Starts and stops the sandbox. Never throws for what a machine lacks; that is the report. */
export async function sandboxReport(options: { readonly python?: string } = {}): Promise<SandboxReport> {
  let python: Python | null = null;
  try {
    python = await findPython(options.python);
    let launchMilliseconds = Infinity;
    for (let i = 0; i < 3; i++) {
      const start = performance.now();
      const worker = await Worker.start(python, 'namespaces', DEFAULT_LIMITS.fileBytes);
      launchMilliseconds = Math.min(launchMilliseconds, performance.now() - start);
      worker.kill();
      await worker.exit;
    }
    return { tier: 'namespaces', reason: null, hint: null, python, launchMilliseconds };
  } catch (error) {
    if (!(error instanceof FaultlineError)) throw error;
    return { tier: null, reason: reasonOf(error), hint: error.hint ?? null, python, launchMilliseconds: null };
  }
}
