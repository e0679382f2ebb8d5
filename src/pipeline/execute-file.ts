/** `faultline execute`: a file of samples in, the same lines with verdicts out, in the same order, resumable. */
import { createHash } from 'node:crypto';
import type { Config } from '../config/load.js';
import { withFields, type JsonLine } from '../datasets/jsonl.js';
import { readSamples } from '../datasets/samples.js';
import { INFRASTRUCTURE, UNSUPPORTED } from '../reports/result-text.js';
import { unmeasuredVerdict } from '../sandbox/verdict.js';
import { CATEGORIES } from '../taxonomy/categories.js';
import { executionEstimate } from './calibration.js';
import { createCategoryView, type CategoryView } from './category-view.js';
import { decide, executeAll, programKey, type Executable } from './execute.js';
import { joinEstimates, noteEstimate, verdictLinesBytes, type RunEstimate } from './estimate.js';
import { interrupted } from './generate-file.js';
import { problemsOf } from './inputs.js';
import { sandboxMismatch, type Executed } from './mismatch.js';
import { checkWritable, PartialFile, refuseInputs } from './partial-file.js';
import type { Progress } from './progress.js';
import { EXECUTED_FIELDS, executedFields, type ExecutedFields } from './result-fields.js';
import { limitsOf, openSandbox } from './sandbox.js';
import { gatherUnjudged, type Unjudged } from './unjudged.js';

export interface ExecuteFileOptions {
  readonly samples: string;
  readonly out: string;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

export interface ExecuteFileResult {
  readonly out: string;
  readonly samples: number;
  /** Samples with a verdict of their own: what `passed` is out of. */
  readonly judged: number;
  readonly passed: number;
  /** Those whose problem's test is at fault, by problem. */
  readonly unjudged: readonly Unjudged[];
  /** Those of problems that cannot be judged, by problem. */
  readonly unsupported: readonly Unjudged[];
  readonly outcomes: Readonly<Record<string, number>>;
  readonly categories: Readonly<Record<string, number>>;
  /** Lines that an earlier, interrupted run had finished. */
  readonly resumed: number;
  /** What it was estimated to take; null where little was left to do. */
  readonly estimate: RunEstimate | null;
}

interface Line extends Executable {
  readonly index: number;
  readonly source: JsonLine;
}

/** A finished line, as far as it is ours. */
type Judged = ExecutedFields & { readonly task_id: string };

export async function executeFile(config: Config, options: ExecuteFileOptions): Promise<ExecuteFileResult> {
  const { values } = config;
  const { out, signal, progress } = options;
  const view = createCategoryView(values, CATEGORIES, config.origins);
  await checkWritable(out);
  const { problems, hash, path } = await problemsOf(config);
  refuseInputs(out, [path, options.samples]);
  const byTask = new Map(problems.map((problem) => [problem.taskId, problem]));
  const content = createHash('sha256');
  const lines: Line[] = [];
  for await (const sample of readSamples(options.samples, byTask)) {
    const { taskId, sampleIndex, completion, source } = sample;
    const { prompt, entryPoint, test, canonicalSolution, furtherTest = null, unsupported = null } = byTask.get(taskId)!;
    content.update(source.text).update('\n');
    const error = typeof source.value['error'] === 'string' ? source.value['error'] : null;
    const finishReason = sample.finishReason ?? '';
    const problem = { taskId, prompt, entryPoint, test, canonicalSolution, furtherTest, unsupported };
    lines.push({ index: lines.length, source, ...problem, sampleIndex, completion, finishReason, error });
  }

  const executor = await openSandbox(values, PartialFile.calibrationOf(out));
  try {
    signal.throwIfAborted();
    const { pythonVersion, tier, calibration } = executor.info;
    const settings = Object.entries(values).filter(([key]) => /^(limits|categories)\.|^sandbox\.fragile$/.test(key));
    const fingerprint = createHash('sha256')
      .update(JSON.stringify(['execute', hash, content.digest('hex'), values.seed.toString(), limitsOf(values), settings]))
      .digest('hex');
    const sandbox: Executed = { pythonVersion, isolationTier: tier };
    const file = PartialFile.open(out, fingerprint, {
      madeWith: sandbox,
      mismatch: (then) => sandboxMismatch(then, sandbox),
      calibration,
    });
    try {
      const resumed = file.size;
      const task = progress.task('execute', lines.length, resumed);
      const finish = ({ index, source }: Line, fields: ExecutedFields): void => {
        file.add(index, withFields(source, { ...fields }));
        task.advance();
      };
      const done = finishedFields(file, lines);
      for (const line of lines) {
        const fields = file.has(line.index) ? undefined : done.get(lineKey(line));
        if (fields !== undefined) finish(line, fields);
      }
      const pending = equalOnesTogether(lines.filter(({ index }) => !file.has(index)));
      const options = { executor, seed: values.seed, view, fragile: values['sandbox.fragile'], signal };
      const part = await executionEstimate({ left: pending.length, problems }, false, options);
      const diskBytes = verdictLinesBytes(pending.map(({ source }) => source.text));
      const estimate = joinEstimates(part === null ? [] : [{ ...part, diskBytes, stage: 'execute', beside: false }], out);
      noteEstimate(estimate, progress);
      await executeAll(pending, options, (line, { verdict, decision }) => {
        finish(line, executedFields(verdict, decision, sandbox));
      });
      leaveOutFaulty(file, lines, view, sandbox);
      const counts = countLines(file, lines.length);
      await file.complete(lines.length);
      progress.finish();
      return { out, samples: lines.length, ...counts, resumed, estimate };
    } catch (thrown) {
      if (signal.aborted) throw interrupted(file.size, signal.reason);
      throw thrown;
    } finally {
      file.close();
    }
  } finally {
    await executor.dispose();
  }
}

/** Equal for lines that get the same fields: the decision looks at the program, and at how generation ended. */
function lineKey(line: Line): string {
  return JSON.stringify([programKey(line), line.finishReason, line.error]);
}

/** What an earlier, interrupted run found, by line key. A line of an earlier version, which lacks fields, stands as it is, and for no other one. */
function finishedFields(file: PartialFile, lines: readonly Line[]): Map<string, ExecutedFields> {
  const found = new Map<string, ExecutedFields>();
  for (const line of lines) {
    if (!file.has(line.index)) continue;
    const judged = JSON.parse(file.line(line.index)) as Judged;
    if (!EXECUTED_FIELDS.every((name) => Object.hasOwn(judged, name))) continue;
    const fields = Object.fromEntries(EXECUTED_FIELDS.map((name) => [name, judged[name]])) as unknown as ExecutedFields;
    found.set(lineKey(line), fields);
  }
  return found;
}

/** In the order of the file, but equal programs next to each other, so that the verdict of the first is still at hand. */
function equalOnesTogether(lines: readonly Line[]): Line[] {
  const byProgram = new Map<string, Line[]>();
  for (const line of lines) {
    const key = programKey(line);
    const equal = byProgram.get(key);
    if (equal === undefined) byProgram.set(key, [line]);
    else equal.push(line);
  }
  return [...byProgram.values()].flat();
}

/** Where one line has shown that its problem's test is at fault, nothing is said of the problem's other lines either: see `unjudged.ts`. */
function leaveOutFaulty(file: PartialFile, lines: readonly Line[], view: CategoryView, sandbox: Executed): void {
  const judged = (line: Line): Judged => JSON.parse(file.line(line.index)) as Judged;
  const faults = new Map<string, string>();
  for (const line of lines) {
    const { outcome, result } = judged(line);
    if (outcome !== 'infra' || result.startsWith(UNSUPPORTED) || faults.has(line.taskId)) continue;
    faults.set(line.taskId, result.slice(INFRASTRUCTURE.length));
  }
  for (const line of lines) {
    const reason = faults.get(line.taskId);
    if (reason === undefined || judged(line).outcome === 'infra') continue;
    const verdict = unmeasuredVerdict({ status: 'infra', reason }, 'compile');
    file.amend(line.index, withFields(line.source, { ...executedFields(verdict, decide(line, verdict, view), sandbox) }));
  }
}

/** Counts from the finished lines themselves, so that resumed ones are in it. */
function countLines(
  file: PartialFile,
  total: number,
): Pick<ExecuteFileResult, 'judged' | 'passed' | 'unjudged' | 'unsupported' | 'outcomes' | 'categories'> {
  let passed = 0;
  const without: Record<'unjudged' | 'unsupported', { taskId: string; reason: string }[]> = { unjudged: [], unsupported: [] };
  const outcomes: Record<string, number> = {};
  const categories: Record<string, number> = {};
  for (let index = 0; index < total; index++) {
    const line = JSON.parse(file.line(index)) as Judged;
    if (line.passed) passed++;
    if (line.outcome === 'infra') {
      const unsupported = line.result.startsWith(UNSUPPORTED);
      const reason = line.result.slice((unsupported ? UNSUPPORTED : INFRASTRUCTURE).length);
      without[unsupported ? 'unsupported' : 'unjudged'].push({ taskId: line.task_id, reason });
    }
    outcomes[line.outcome] = (outcomes[line.outcome] ?? 0) + 1;
    if (line.category !== null) categories[line.category] = (categories[line.category] ?? 0) + 1;
  }
  const judged = total - without.unjudged.length - without.unsupported.length;
  const [unjudged, unsupported] = [gatherUnjudged(without.unjudged), gatherUnjudged(without.unsupported)];
  return { judged, passed, unjudged, unsupported, outcomes, categories };
}
