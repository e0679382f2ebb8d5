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

/** Samples come problem by problem, as in every listing; the programs of one are in memory at a time. */
export class CostTally {
  #own: { readonly key: string; readonly programs: Set<string> } | null = null;
  #tokens = 0;
  #drawSeconds: number | null = 0;
  #executions = 0;
  #cpuSeconds = 0;
  #wallSeconds = 0;

  /** @param sample one that counts */
  add({ strategy, taskId, completion, tokenCount, drawSeconds, verdict }: JudgedSample): void {
    this.#tokens += tokenCount;
    this.#drawSeconds = sumOfKnown(this.#drawSeconds, drawSeconds ?? null);
    if (verdict.outcome.status === 'not_run') return;
    const key = JSON.stringify([strategy, taskId]);
    if (this.#own?.key !== key) this.#own = { key, programs: new Set() };
    if (this.#own.programs.has(completion)) return;
    this.#own.programs.add(completion);
    this.#executions++;
    this.#cpuSeconds += verdict.measurements.cpuSeconds;
    this.#wallSeconds += verdict.measurements.wallSeconds;
  }

  costs(): Costs {
    return {
      tokens: this.#tokens,
      drawSeconds: this.#drawSeconds,
      executions: this.#executions,
      cpuSeconds: this.#cpuSeconds,
      wallSeconds: this.#wallSeconds,
    };
  }
}

/** The costs of each problem, for whoever learns later which problems are looked at. Samples come as {@link CostTally} takes them. */
export class ProblemCosts {
  readonly #tallies = new Map<string, CostTally>();

  /** @param sample one that counts */
  add(sample: JudgedSample): void {
    const tally = this.#tallies.get(sample.taskId) ?? new CostTally();
    this.#tallies.set(sample.taskId, tally);
    tally.add(sample);
  }

  /** Of some problems together; one without samples costs nothing. */
  costs(tasks: readonly string[]): Costs {
    return totalCosts(tasks.flatMap((task) => this.#tallies.get(task)?.costs() ?? []));
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
