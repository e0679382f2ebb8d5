/** What this machine offers a run: engine, GPU, sandbox, disk, data. Changes nothing; every lack comes with the next step. */
import { existsSync, statfsSync } from 'node:fs';
import { arch, platform, release } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { ConfigValues } from '../config/schema.js';
import { locateModel } from '../datasets/models.js';
import { locateProblems } from '../datasets/problems.js';
import { deviceReport, engineReport, type DeviceReport, type EngineReport } from '../engine/doctor.js';
import { FaultlineError, type ErrorKind } from '../errors.js';
import { sandboxReport, type SandboxReport } from '../sandbox/doctor.js';
import { version } from './bundled.js';
import { databasePath } from './inputs.js';

/** Something that a run needs and does not find. */
export interface Lack {
  readonly what: 'engine' | 'cuda' | 'sandbox' | 'python' | 'disk' | 'model' | 'problems';
  /** `usage` where not the machine is to blame but what it was told. */
  readonly kind: ErrorKind;
  readonly reason: string;
  readonly hint: string | null;
}

export interface DoctorReport {
  /** Whether `faultline run` has what it needs. */
  readonly ok: boolean;
  readonly version: string;
  readonly node: string;
  readonly system: string;
  /** Null when the addon could not be loaded. */
  readonly engine: EngineReport | null;
  /** The CUDA backend, usable or not; null where there is no engine. */
  readonly cuda: DeviceReport | null;
  readonly sandbox: SandboxReport;
  readonly disk: { readonly folder: string; readonly freeBytes: number | null };
  /** Where model and problems are; null for what was not found. */
  readonly data: { readonly model: string | null; readonly problems: string | null };
  readonly missing: readonly Lack[];
}

/** A database of the bundled experiment takes a few megabytes; less free space than this cannot hold a run. */
const LEAST_FREE_BYTES = 64 * 2 ** 20;

export async function examine(values: ConfigValues): Promise<DoctorReport> {
  const missing: Lack[] = [];
  /** Runs one check; a FaultlineError is a lack, anything else a fault of ours. */
  const attempt = async <T>(what: Lack['what'], check: () => T | Promise<T>): Promise<T | null> => {
    try {
      return await check();
    } catch (thrown) {
      if (!(thrown instanceof FaultlineError)) throw thrown;
      missing.push({ what, kind: thrown.kind, reason: thrown.message, hint: thrown.hint ?? null });
      return null;
    }
  };

  const engine = await attempt('engine', () => engineReport());
  if (engine !== null && engine.fault !== null) {
    const { kind, message, hint } = engine.fault;
    missing.push({ what: 'engine', kind, reason: message, hint });
  }
  const cuda = engine === null ? null : deviceReport();
  // Without a GPU a run takes the CPU, unless it was told not to.
  if (cuda !== null && cuda.refused !== null && values['model.device'] === 'cuda')
    missing.push({ what: 'cuda', kind: 'environment', reason: `CUDA cannot be used: ${cuda.refused}`, hint: cuda.hint });
  const python = values['sandbox.python'];
  const tier = values['sandbox.tier'];
  const sandbox = await sandboxReport({ ...(python === null ? {} : { python }), ...(tier === null ? {} : { tier }) });
  if (sandbox.tier === null) {
    const what = sandbox.python === null ? 'python' : 'sandbox';
    missing.push({ what, kind: 'environment', reason: sandbox.reason ?? 'no isolation', hint: sandbox.hint });
  }
  const folder = nearestExisting(dirname(databasePath(values)));
  const freeBytes = await attempt('disk', () => freeSpace(folder));
  const model = await attempt('model', () => locateModel(values['model.path']));
  const problems = await attempt('problems', () => locateProblems(values['problems.path']).path);
  return {
    ok: missing.length === 0,
    version: version(),
    node: process.version,
    system: `${platform()} ${release()} ${arch()}`,
    engine,
    cuda,
    sandbox,
    disk: { folder, freeBytes },
    data: { model, problems },
    missing,
  };
}

/** The folder that outputs would be created in, as they need not exist yet. */
function nearestExisting(folder: string): string {
  let current = resolve(folder);
  while (!existsSync(current) && dirname(current) !== current) current = dirname(current);
  return current;
}

function freeSpace(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free < LEAST_FREE_BYTES) {
    throw new FaultlineError('environment', `${folder} has only ${Math.floor(free / 2 ** 20)} MiB left`, {
      hint: 'Free some space, or choose another folder with --outputs.',
    });
  }
  return free;
}
