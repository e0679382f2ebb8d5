/**
 * Weights & Biases, by its package `@wandb/sdk`, which is not among faultline's dependencies: it is looked for where the command runs and
 * beside faultline. Key, server and offline mode are the package's own matters (WANDB_API_KEY and its other variables).
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FaultlineError, reasonOf } from '../../errors.js';
import type { TrackedEvent, Tracker, TrackerContext } from './tracker.js';

/** What is used of the package. */
export interface WandbSdk {
  init(options: { project: string; name: string; config: Readonly<Record<string, unknown>> }): Promise<unknown>;
  log(data: Readonly<Record<string, unknown>>): void;
  finish(code?: number): Promise<void>;
}

const PACKAGE = '@wandb/sdk';

/** Loads the package. Throws `environment` where it is not installed, or cannot be loaded. */
export async function loadWandb(folder = process.cwd()): Promise<WandbSdk> {
  const path = resolvePackage([join(folder, 'package.json'), import.meta.url]);
  if (path === null) {
    throw new FaultlineError('environment', `tracking.use_wandb is on, and the package ${PACKAGE} is not installed`, {
      hint: `Install it with \`npm install ${PACKAGE}\`, or set tracking.use_wandb to false.`,
    });
  }
  let loaded: unknown;
  try {
    loaded = await import(pathToFileURL(path).href);
  } catch (thrown) {
    throw new FaultlineError('environment', `the package ${PACKAGE} cannot be loaded: ${reasonOf(thrown)}`, {
      place: { file: path },
      hint: `Install it again with \`npm install ${PACKAGE}\`, or set tracking.use_wandb to false.`,
      cause: thrown,
    });
  }
  const sdk = sdkIn(loaded);
  if (sdk !== null) return sdk;
  throw new FaultlineError('environment', `the package ${PACKAGE} has no init, log and finish`, {
    place: { file: path },
    hint: 'Install the version that faultline names as its optional peer dependency.',
  });
}

export class WandbTracker implements Tracker {
  private constructor(private readonly sdk: WandbSdk) {}

  /** Begins a run there. Throws `environment` where the service refuses. */
  static async open(sdk: WandbSdk, { project, experiment, config }: TrackerContext): Promise<WandbTracker> {
    await refusing(() => sdk.init({ project, name: experiment, config }));
    return new WandbTracker(sdk);
  }

  record(event: TrackedEvent): void {
    const data = logged(event);
    if (data === null) return;
    try {
      this.sdk.log(data);
    } catch (thrown) {
      throw refused(thrown);
    }
  }

  async close(ok: boolean): Promise<void> {
    await refusing(() => this.sdk.finish(ok ? 0 : 1));
  }
}

/** What of an event is a number to plot; null for what has none. The config went along with `init`, the end does with `finish`. */
function logged(event: TrackedEvent): Record<string, unknown> | null {
  if (event.event === 'progress') return { [`progress/${event.task}`]: event.done };
  if (event.event === 'stage_end') return { [`stage/${event.stage}/done`]: event.done, [`stage/${event.stage}/skipped`]: event.skipped };
  if (event.event === 'summary') return { ...event.metrics };
  return null;
}

async function refusing(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    throw refused(thrown);
  }
}

function refused(thrown: unknown): FaultlineError {
  return new FaultlineError('environment', `Weights & Biases: ${reasonOf(thrown)}`, {
    hint: 'Set WANDB_API_KEY, or tracking.use_wandb to false, and give the same command again: it goes on from what is stored.',
    cause: thrown,
  });
}

function resolvePackage(places: readonly (string | URL)[]): string | null {
  for (const place of places) {
    try {
      return createRequire(place).resolve(PACKAGE);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw thrown;
    }
  }
  return null;
}

/** The package's object: a module, or its default export, which CommonJS may wrap twice. */
function sdkIn(loaded: unknown): WandbSdk | null {
  for (
    let at = loaded, depth = 0;
    typeof at === 'object' && at !== null && depth < 3;
    at = (at as { default?: unknown }).default, depth++
  ) {
    const { init, log, finish } = at as Partial<Record<keyof WandbSdk, unknown>>;
    if ([init, log, finish].every((each) => typeof each === 'function')) return at as WandbSdk;
  }
  return null;
}
