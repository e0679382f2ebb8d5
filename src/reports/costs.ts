/** What samples cost, to stand beside what came of them (a rate that took ten times the tokens is another rate). Knows no rate. */
import type { JudgedSample } from '../store/types.js';

/** Of counted samples. */
export interface Costs {
  readonly tokens: number;
  /**
   * By the clock, on the machines that drew them; where they were executed at the same time, that took its part of the cores. Null where not all were
   * measured: imported ones are not, nor what versions before drew. No result, as the times below.
   */
  readonly drawSeconds: number | null;
  /** Programs that were executed: equal ones of a problem run once, and a sample that could not be drawn never. */
  readonly executions: number;
  /** Of those, each one's execution that decided: without second looks, second runs, and the judge. */
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
}

/** What one sample adds. */
export interface SampleCosts {
  readonly tokens: number;
  /** As {@link Costs.drawSeconds}. */
  readonly drawSeconds: number | null;
  /** Of the execution of its program; null, as `wallSeconds`, where that never ran. */
  readonly cpuSeconds: number | null;
  readonly wallSeconds: number | null;
}

export function sampleCosts({ tokenCount, drawSeconds, verdict }: JudgedSample): SampleCosts {
  const run = verdict.outcome.status === 'not_run' ? null : verdict.measurements;
  return {
    tokens: tokenCount,
    drawSeconds: drawSeconds ?? null,
    cpuSeconds: run?.cpuSeconds ?? null,
    wallSeconds: run?.wallSeconds ?? null,
  };
}

/** Samples added up, and their programs once each. */
class CostSum {
  #costs: Costs = { tokens: 0, drawSeconds: 0, executions: 0, cpuSeconds: 0, wallSeconds: 0 };

  /** @param isNew of the sample's program, asked only where that ran */
  add({ tokens, drawSeconds, cpuSeconds, wallSeconds }: SampleCosts, isNew: () => boolean): void {
    const { executions, ...sums } = this.#costs;
    const runs = cpuSeconds !== null && wallSeconds !== null && isNew();
    this.#costs = {
      tokens: sums.tokens + tokens,
      drawSeconds: sumOfKnown(sums.drawSeconds, drawSeconds),
      executions: executions + Number(runs),
      cpuSeconds: sums.cpuSeconds + (runs ? cpuSeconds : 0),
      wallSeconds: sums.wallSeconds + (runs ? wallSeconds : 0),
    };
  }

  costs(): Costs {
    return this.#costs;
  }
}

/** Adds to `seen`; whether it was not there before. */
function isNewIn<T>(seen: Set<T>, one: T): boolean {
  if (seen.has(one)) return false;
  seen.add(one);
  return true;
}

/** Of samples whose programs are numbered. */
export function costsOf(samples: Iterable<SampleCosts & { readonly program: number }>): Costs {
  const programs = new Set<number>();
  const sum = new CostSum();
  for (const sample of samples) sum.add(sample, () => isNewIn(programs, sample.program));
  return sum.costs();
}

/** The costs of each problem, for whoever learns later which problems are looked at. Samples of one strategy come problem by problem, as in every listing; the programs of one are in memory at a time. */
export class ProblemCosts {
  readonly #sums = new Map<string, CostSum>();
  #own: { readonly taskId: string; readonly programs: Set<string> } | null = null;

  /** @param sample one that counts */
  add(sample: JudgedSample): void {
    const { taskId, completion } = sample;
    const sum = this.#sums.get(taskId) ?? new CostSum();
    this.#sums.set(taskId, sum);
    if (this.#own?.taskId !== taskId) this.#own = { taskId, programs: new Set() };
    const { programs } = this.#own;
    sum.add(sampleCosts(sample), () => isNewIn(programs, completion));
  }

  /** Of some problems together; one without samples costs nothing. */
  costs(tasks: readonly string[]): Costs {
    return totalCosts(tasks.flatMap((task) => this.#sums.get(task)?.costs() ?? []));
  }
}

/** All of them together. */
export function totalCosts(all: readonly Costs[]): Costs {
  const total = (of: (costs: Costs) => number): number => all.reduce((sum, costs) => sum + of(costs), 0);
  return {
    tokens: total(({ tokens }) => tokens),
    drawSeconds: all.reduce<number | null>((sum, { drawSeconds }) => sumOfKnown(sum, drawSeconds), 0),
    executions: total(({ executions }) => executions),
    cpuSeconds: total(({ cpuSeconds }) => cpuSeconds),
    wallSeconds: total(({ wallSeconds }) => wallSeconds),
  };
}

/** Null where one of them is unknown: a sum of some would look like that of all. */
function sumOfKnown(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}
