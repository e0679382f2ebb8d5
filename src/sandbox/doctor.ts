/** What `faultline doctor` says about the sandbox: found by starting it. Executes no sample. */
import { FaultlineError, reasonOf } from '../errors.js';
import { DEFAULT_LIMITS } from './limits.js';
import { kernelReport, type KernelReport } from './launcher.js';
import { findPython, type Python } from './python.js';
import { startIsolated, type IsolatingTier } from './tiers.js';
import type { IsolationTier } from './verdict.js';

export interface SandboxReport {
  /** The tier that `run` would use; null when samples cannot be executed. */
  readonly tier: IsolationTier | null;
  /** Why not the best tier and what this one lacks, or why none; null when it is the best and whole. */
  readonly reason: string | null;
  /** The next step where there is a reason. */
  readonly hint: string | null;
  /** What the kernel offers; null where the launcher does not run. */
  readonly kernel: KernelReport | null;
  readonly python: Python | null;
  /** From the start of the launcher until judge and zygote are ready: the least of three starts. */
  readonly launchMilliseconds: number | null;
}

/** Starts and stops the sandbox. Never throws for what a machine lacks; that is the report. */
export async function sandboxReport(options: { readonly python?: string; readonly tier?: IsolatingTier } = {}): Promise<SandboxReport> {
  let python: Python | null = null;
  // What stops the launcher stops the start below, too, and is told there.
  const kernel = await kernelReport().catch((error: unknown) => {
    if (error instanceof FaultlineError) return null;
    throw error;
  });
  try {
    python = await findPython(options.python);
    let launchMilliseconds = Infinity;
    // Later starts are those of the tier that the first has found.
    let tier = options.tier;
    let reason: string | null = null;
    for (let i = 0; i < 3; i++) {
      const start = performance.now();
      const isolated = await startIsolated(python, DEFAULT_LIMITS.fileBytes, tier);
      if (i === 0) ({ reason } = isolated);
      // The first start of a lower tier has tried the better ones in vain.
      if (tier !== undefined || reason === null) launchMilliseconds = Math.min(launchMilliseconds, performance.now() - start);
      tier = isolated.tier;
      isolated.worker.kill();
      await isolated.worker.exit;
    }
    return { tier: tier ?? null, reason, hint: null, kernel, python, launchMilliseconds };
  } catch (error) {
    if (!(error instanceof FaultlineError)) throw error;
    return { tier: null, reason: reasonOf(error), hint: error.hint ?? null, kernel, python, launchMilliseconds: null };
  }
}
