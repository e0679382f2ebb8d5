/**
 * What else is tried with a program that passed: other hash seeds, the data set's further test, and its time beside the reference
 * solution's. Decides what is run and counted; whether that makes a pass fragile is the taxonomy's to say.
 *
 * A further run is judged as the first one was: it fails by a wrong value, by an exception and by a limit that it met twice, the
 * second time alone with three times as much. A run that says nothing about the program (`infra`) counts as not tried.
 *
 * Where the hash seed cannot show in a program, as it cannot in most, no other is tried: the verdict would be the same. Whether a program is slow does not
 * depend on that: who looks slow has the least time of three runs counted in any case.
 */
import type { ExecutionJob, Executor } from '../sandbox/executor.js';
import type { Fragility, Verdict } from '../sandbox/verdict.js';
import { SLOW } from '../taxonomy/rules/fragile.js';

/** Beside 0, the seed of every first run. */
const FURTHER_HASH_SEEDS = [1, 2] as const;

/** Below this, differences are the interpreter's start and the machine's noise. */
const SLOW_SECONDS = 0.05;
/** How many times a program is timed before it is called slow, and its reference solution before that is compared with. */
const TIMED_RUNS = 3;

/** What a problem offers to compare with. */
export interface Reference {
  readonly taskId: string;
  readonly canonicalSolution: string;
  /** Null where the data set has none. */
  readonly furtherTest: string | null;
}

export class FragilityProbe {
  /** Least CPU seconds of the reference solution by task; null where it does not pass. */
  private readonly referenceSeconds = new Map<string, Promise<number | null>>();
  /** Whether the reference solution passes the further test; one that fails it says nothing about a sample. */
  private readonly soundFurtherTests = new Map<string, Promise<boolean>>();

  constructor(private readonly executor: Pick<Executor, 'execute'>) {}

  /** @param job the execution that came to `verdict`, a pass which was asked about the hash seed. Rejects as the executor does. */
  async examine(job: ExecutionJob, verdict: Verdict, reference: Reference, signal: AbortSignal): Promise<Fragility> {
    const mayShow = verdict.measurements.hashSeedMayShow !== false;
    const [runs, furtherTest] = await Promise.all([
      mayShow ? this.underHashSeeds(job, FURTHER_HASH_SEEDS, signal) : [],
      this.furtherTest(job, reference, signal),
    ]);
    return {
      hashSeeds: { tried: runs.length, failed: runs.filter(({ passed }) => !passed).length },
      furtherTest,
      slowdown: await this.slowdown([verdict, ...runs], job, reference, signal),
    };
  }

  private async underHashSeeds(job: ExecutionJob, hashSeeds: readonly number[], signal: AbortSignal): Promise<Verdict[]> {
    const verdicts = await Promise.all(hashSeeds.map((hashSeed) => this.executor.execute({ ...job, hashSeed }, signal)));
    return verdicts.filter(({ outcome }) => outcome.status !== 'infra');
  }

  private repeated(job: ExecutionJob, times: number, signal: AbortSignal): Promise<Verdict[]> {
    return Promise.all(Array.from({ length: times }, () => this.executor.execute(job, signal)));
  }

  private async furtherTest(job: ExecutionJob, reference: Reference, signal: AbortSignal): Promise<boolean | null> {
    const { taskId, canonicalSolution, furtherTest } = reference;
    if (furtherTest === null) return null;
    const further = { ...job, test: furtherTest };
    const sound = await once(this.soundFurtherTests, taskId, async () => {
      return (await this.executor.execute({ ...further, completion: canonicalSolution }, signal)).passed;
    });
    if (!sound) return null;
    const { passed, outcome } = await this.executor.execute(further, signal);
    return outcome.status === 'infra' ? null : passed;
  }

  /** @param runs of the program, under whatever hash seeds */
  private async slowdown(runs: readonly Verdict[], job: ExecutionJob, reference: Reference, signal: AbortSignal): Promise<number | null> {
    const seconds = leastCpuSeconds(runs);
    if (seconds === null || seconds <= SLOW_SECONDS) return null;
    const ofReference = await this.secondsOfReference(job, reference, signal);
    if (ofReference === null || ofReference === 0) return null;
    // Further runs could only say that it is less slow.
    if (seconds / ofReference < SLOW || runs.length >= TIMED_RUNS) return seconds / ofReference;
    const least = leastCpuSeconds([...runs, ...(await this.repeated(job, TIMED_RUNS - runs.length, signal))]) ?? seconds;
    return least <= SLOW_SECONDS ? null : least / ofReference;
  }

  private secondsOfReference(job: ExecutionJob, { taskId, canonicalSolution }: Reference, signal: AbortSignal): Promise<number | null> {
    return once(this.referenceSeconds, taskId, async () => {
      return leastCpuSeconds(await this.repeated({ ...job, completion: canonicalSolution }, TIMED_RUNS, signal));
    });
  }
}

/** Of the runs that passed: one that failed may have ended early. */
function leastCpuSeconds(runs: readonly Verdict[]): number | null {
  const seconds = runs.filter(({ passed }) => passed).map(({ measurements }) => measurements.cpuSeconds);
  return seconds.length === 0 ? null : Math.min(...seconds);
}

function once<T>(known: Map<string, Promise<T>>, key: string, find: () => Promise<T>): Promise<T> {
  let found = known.get(key);
  if (found === undefined) {
    found = find();
    known.set(key, found);
  }
  return found;
}
