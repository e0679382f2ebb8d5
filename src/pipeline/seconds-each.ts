/** What a piece of work costs, from a few of its kind: how calibrations measure. Stores nothing. */

/** To spend where nothing else is asked for, the last piece aside. A run's estimate takes some of these, which nobody notices before it begins. */
const SECONDS = 0.06;
/** Of that time, before anything counts: code is compiled meanwhile, and made what items share. */
const WARM_SHARE = 0.8;

/** Pieces are timed together that long at least: the processor's clock may tick in hundredths of a second. */
const SLICE_SECONDS = 0.01;
/** Times of what is to be spent, by the clock, after which it ends with what is there: other programs may have the cores. */
const PATIENCE = 10;

/**
 * Seconds that a unit of work keeps a core, from going through `items` again and again; null where they hold no unit.
 *
 * Of each slice the shorter of two times counts, the clock's and the processor's: that leaves out other programs, which in so short a time have
 * the core by chance, and Node's own threads that compile and collect.
 * @param work does an item's work and returns how many units it was
 * @param seconds to spend in all
 */
export function secondsEach<T>(items: Iterable<T>, work: (item: T) => number, seconds = SECONDS): number | null {
  const begun = clockSeconds();
  let slice = { clock: begun, processor: processorSeconds(), units: 0 };
  let [units, counted, spent, isWarm] = [0, 0, 0, false];
  for (;;) {
    let found = 0;
    for (const item of items) {
      const done = work(item);
      found += done;
      slice.units += done;
      const clock = clockSeconds();
      if (slice.units === 0 || clock - slice.clock < SLICE_SECONDS) continue;
      const processor = processorSeconds();
      const took = Math.min(clock - slice.clock, processor - slice.processor);
      spent += took;
      counted += took;
      units += slice.units;
      slice = { clock, processor, units: 0 };
      if (spent >= seconds || clock - begun >= PATIENCE * seconds) return counted / units;
      if (isWarm || spent < WARM_SHARE * seconds) continue;
      [units, counted, isWarm] = [0, 0, true];
    }
    if (found === 0) return null;
  }
}

function clockSeconds(): number {
  return performance.now() / 1000;
}

/** That this process has used. */
function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** All elements once, such that the first few are from all over. */
export function spread<T>(elements: readonly T[]): T[] {
  const { length } = elements;
  // Steps of the golden section leave no large gaps; where they share a factor with the length they would meet some twice.
  let step = Math.max(1, Math.round(length * 0.618));
  while (divisor(step, length) > 1) step++;
  return Array.from(elements, (_, i) => elements[(i * step) % length]!);
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}
