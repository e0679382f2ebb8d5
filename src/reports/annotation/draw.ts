/**
 * Which failures people are asked to label: a stratified random sample, one stratum a leaf of the taxonomy. Pure; knows no text of a
 * program beyond whether two are the same, and no file.
 *
 * Within a stratum distinct programs are drawn, each with the same chance and without replacement: equal programs end equally, so that a
 * second copy would ask the same question again. What a drawn row stands for is its weight, so that a share over all failures can be
 * estimated from a sample in which rare leaves have more than their part (the separate ratio estimator: W. G. Cochran, "Sampling
 * Techniques", 3rd ed. (1977), section 6.10).
 */
import { PhiloxStream } from '../statistics/philox.js';

/** A failed sample as far as drawing needs it. */
export interface Failure {
  readonly strategy: string;
  readonly taskId: string;
  readonly sampleIndex: number;
  /** Code of the leaf that the classifier decided for. */
  readonly code: string;
  /** The program, or a digest of it: only whether two are equal counts. */
  readonly completion: string;
}

export interface DrawOptions {
  /** Rows wanted, at least 1. */
  readonly count: number;
  /** Rows that each leaf gets at least, or all its distinct programs where those are fewer; at least 1. */
  readonly floor: number;
  /** 64 bits. Equal seeds and failures give equal draws. */
  readonly seed: bigint;
}

/** A failure that was drawn, with what its stratum is like. */
export interface DrawnFailure<Of extends Failure = Failure> {
  readonly failure: Of;
  /** Failures of its leaf. */
  readonly stratumSamples: number;
  /** Distinct programs among them. */
  readonly stratumPrograms: number;
  /** Rows drawn from its leaf. */
  readonly stratumDrawn: number;
  /** Failures of its leaf with this very program. */
  readonly programSamples: number;
  /** Rows drawn with this very program: 1, but where there was nothing else left to draw. */
  readonly programDrawn: number;
  /** How many failures the row stands for; over the rows of a leaf they sum to `stratumSamples`. */
  readonly weight: number;
}

interface Program<Of extends Failure> {
  /** In the order given; the first `drawn` ones are in the draw. */
  readonly copies: Of[];
  drawn: number;
}

interface Stratum<Of extends Failure> {
  readonly samples: number;
  readonly programs: Program<Of>[];
}

/**
 * Draws from all failures, in random order, so that no neighbour tells anything. Fewer than `count` only where there are no more failures.
 * Second copies of a program are drawn only once every distinct program is in.
 * @param order codes of all leaves; every failure's is among them
 * @throws RangeError where the floors alone come to more than `count`, or an option is not what it must be
 */
export function drawFailures<Of extends Failure>(
  failures: readonly Of[],
  order: readonly string[],
  options: DrawOptions,
): DrawnFailure<Of>[] {
  const { count, floor, seed } = options;
  if (!(count >= 1) || !(floor >= 1)) throw new RangeError(`${count} rows with ${floor} a leaf cannot be drawn`);
  const stream = new PhiloxStream(seed);
  const strata = stratify(failures, order);
  const quotas = allocate(
    strata.map(({ samples, programs }) => ({ samples, programs: programs.length })),
    count,
    floor,
  );
  for (const [index, { programs }] of strata.entries()) {
    shuffle(programs, stream);
    for (const program of programs) shuffle(program.copies, stream);
    for (const program of programs.slice(0, quotas[index])) program.drawn = 1;
  }
  const missing = count - quotas.reduce((sum, quota) => sum + quota, 0);
  if (missing > 0) {
    // Every distinct program is in the draw here, else a quota would have grown.
    const repeats = strata.flatMap(({ programs }) => programs.flatMap((program) => program.copies.slice(1).map(() => program)));
    shuffle(repeats, stream);
    for (const program of repeats.slice(0, missing)) program.drawn++;
  }
  const drawn = strata.flatMap((stratum) => rowsOf(stratum));
  shuffle(drawn, stream);
  return drawn;
}

/** The fewest rows that a draw with this floor can have. */
export function leastRows(failures: readonly Failure[], order: readonly string[], floor: number): number {
  return stratify(failures, order).reduce((sum, { programs }) => sum + Math.min(programs.length, floor), 0);
}

/**
 * Rows for each stratum: the floor first, the rest in proportion to its failures, by largest remainders. No stratum gets more rows than it
 * has distinct programs; what it cannot take goes to the others, in the same proportion.
 */
export function allocate(
  strata: readonly { readonly samples: number; readonly programs: number }[],
  count: number,
  floor: number,
): number[] {
  const quotas = strata.map(({ programs }) => Math.min(programs, floor));
  let rest = count - quotas.reduce((sum, quota) => sum + quota, 0);
  if (rest < 0) throw new RangeError(`${count} rows are fewer than ${count - rest}, which the leaves get at least`);
  for (;;) {
    const open = strata.flatMap(({ samples, programs }, index) => (quotas[index]! < programs ? [{ index, samples }] : []));
    if (rest === 0 || open.length === 0) return quotas;
    const samples = open.reduce((sum, each) => sum + each.samples, 0);
    const parts = open.map(({ index, samples: of }) => ({
      index,
      part: (rest * of) / samples,
      room: strata[index]!.programs - quotas[index]!,
    }));
    const full = parts.filter(({ part, room }) => part >= room);
    if (full.length > 0) {
      for (const { index, room } of full) {
        quotas[index]! += room;
        rest -= room;
      }
      continue;
    }
    for (const { index, part } of parts) quotas[index]! += Math.floor(part);
    const over = rest - parts.reduce((sum, { part }) => sum + Math.floor(part), 0);
    const byRemainder = parts.sort((a, b) => (b.part % 1) - (a.part % 1) || a.index - b.index);
    for (const { index } of byRemainder.slice(0, over)) quotas[index]!++;
    return quotas;
  }
}

function stratify<Of extends Failure>(failures: readonly Of[], order: readonly string[]): Stratum<Of>[] {
  const byCode = new Map(order.map((code) => [code, new Map<string, Program<Of>>()]));
  for (const failure of failures) {
    const programs = byCode.get(failure.code);
    if (programs === undefined) throw new RangeError(`no leaf ${failure.code}`);
    const key = JSON.stringify([failure.taskId, failure.completion]);
    const program = programs.get(key) ?? { copies: [], drawn: 0 };
    program.copies.push(failure);
    programs.set(key, program);
  }
  return [...byCode.values()]
    .filter((programs) => programs.size > 0)
    .map((programs) => ({
      samples: [...programs.values()].reduce((sum, { copies }) => sum + copies.length, 0),
      programs: [...programs.values()],
    }));
}

function rowsOf<Of extends Failure>({ samples, programs }: Stratum<Of>): DrawnFailure<Of>[] {
  const taken = programs.filter(({ drawn }) => drawn > 0);
  const covered = taken.reduce((sum, { copies }) => sum + copies.length, 0);
  const rows = taken.reduce((sum, { drawn }) => sum + drawn, 0);
  return taken.flatMap(({ copies, drawn }) =>
    copies.slice(0, drawn).map((failure) => ({
      failure,
      stratumSamples: samples,
      stratumPrograms: programs.length,
      stratumDrawn: rows,
      programSamples: copies.length,
      programDrawn: drawn,
      weight: (samples * copies.length) / covered / drawn,
    })),
  );
}

/** Fisher and Yates's shuffle, in place. */
function shuffle(items: unknown[], stream: PhiloxStream): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = stream.below(last + 1);
    [items[last], items[other]] = [items[other], items[last]];
  }
}
