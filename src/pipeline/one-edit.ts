/**
 * Whether a program that failed passes with one small edit (`taxonomy/one-edit.ts` has which). Executed once, under the limits that the
 * program itself had, and not again where it meets one: what is endless would take longer than all other edits together. Decides no category and no rate.
 */
import type { ExecutionJob, Executor } from '../sandbox/executor.js';
import type { Verdict } from '../sandbox/verdict.js';
import { editOf } from '../taxonomy/one-edit.js';

/**
 * The verdict with what came of the edit; as it is where there is none to try, or where that says nothing about the program (`infra`).
 *
 * @param job the execution that came to `verdict`, a failure. Rejects as the executor does
 */
export async function withOneEdit(
  executor: Pick<Executor, 'execute'>,
  job: ExecutionJob,
  verdict: Verdict,
  signal: AbortSignal,
): Promise<Verdict> {
  const { source } = verdict.measurements;
  const edited = source === null ? null : editOf({ ...job, verdict });
  if (source === null || edited === null) return verdict;
  const { kind, prompt, completion } = edited;
  const { passed, outcome } = await executor.execute({ ...job, prompt, completion, looksCloser: false }, signal);
  if (outcome.status === 'infra') return verdict;
  return { ...verdict, measurements: { ...verdict.measurements, source: { ...source, oneEdit: { kind, passes: passed } } } };
}
