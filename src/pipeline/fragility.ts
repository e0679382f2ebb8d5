/**
 * What else is tried with a program that passed: other hash seeds, the data set's further test, and its time beside the reference
 * solution's. Decides what is run and counted; whether that makes a pass fragile is the taxonomy's to say.
 *
 * A further run is judged as the first one was: it fails by a wrong value, by an exception and by a limit that it met twice, the
 * second time alone with three times as much. A run that says nothing about the program (`infra`) counts as not tried.
 */
import type { ExecutionJob, Executor } from '../sandbox/executor.js';
import type { Fragility, Verdict } from '../sandbox/verdict.js';

/** Beside 0, the seed of every first run. */
const FURTHER_HASH_SEEDS = [1, 2] as const;

/** Below this, differences are the interpreter's start and the machine's noise. */
const SLOW_SECONDS = 0.05;

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

  /** @param job the execution that came to `verdict`, a pass. Rejects as the executor does. */
  async examine(job: ExecutionJob, verdict: Verdict, reference: Reference, signal: AbortSignal): Promise<Fragility> {
    const [runs, furtherTest] = await Promise.all([
      this.underHashSeeds(job, FURTHER_HASH_SEEDS, signal),
      this.furtherTest(job, reference, signal),
    ]);
    const seconds = leastCpuSeconds([verdict, ...runs]);
    return {
      hashSeeds: { tried: runs.length, failed: runs.filter(({ passed }) => !passed).length },
      furtherTest,
      slowdown: seconds === null || seconds <= SLOW_SECONDS ? null : await this.slowdown(seconds, job, reference, signal),
    };
  }

  private async underHashSeeds(job: ExecutionJob, hashSeeds: readonly number[], signal: AbortSignal): Promise<Verdict[]> {
    const verdicts = await Promise.all(hashSeeds.map((hashSeed) => this.executor.execute({ ...job, hashSeed }, signal)));
    return verdicts.filter(({ outcome }) => outcome.status !== 'infra');
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

  private async slowdown(seconds: number, job: ExecutionJob, reference: Reference, signal: AbortSignal): Promise<number | null> {
    const { taskId, canonicalSolution } = reference;
    const least = await once(this.referenceSeconds, taskId, async () => {
      const runs = await this.underHashSeeds({ ...job, completion: canonicalSolution }, [0, ...FURTHER_HASH_SEEDS], signal);
      return leastCpuSeconds(runs);
    });
    return least === null || least === 0 ? null : seconds / least;
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
