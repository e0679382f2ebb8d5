/** Several pieces of work at a time, of which each one ends the others when it fails. Knows no stage. */

/**
 * Runs all of `works` and waits for every one, also for those that are being stopped: what they hold is theirs to put away.
 * The signal that they get is aborted with `outer`, or when one of them fails.
 * Rejects with the reason of `outer` when that is aborted, else with what failed first: what fails second usually fails because of it.
 */
export async function sideBySide(works: readonly ((signal: AbortSignal) => Promise<void>)[], outer: AbortSignal): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([outer, stop.signal]);
  const failures: unknown[] = [];
  await Promise.all(
    works.map(async (work) => {
      try {
        await work(signal);
      } catch (thrown) {
        failures.push(thrown);
        stop.abort(thrown);
      }
    }),
  );
  outer.throwIfAborted();
  if (failures.length > 0) throw failures[0];
}
