/** `faultline execute`: a file of samples in, the same lines with verdicts out, in the same order, resumable. */
import { createHash } from 'node:crypto';
import type { Config } from '../config/load.js';
import { withFields, type JsonLine } from '../datasets/jsonl.js';
import { readSamples } from '../datasets/samples.js';
import { CATEGORIES } from '../taxonomy/categories.js';
import { createCategoryView } from './category-view.js';
import { executeAll, type Executable } from './execute.js';
import { interrupted } from './generate-file.js';
import { problemsOf } from './inputs.js';
import { checkWritable, PartialFile } from './partial-file.js';
import type { Progress } from './progress.js';
import { INFRASTRUCTURE, resultText } from './result-text.js';
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
  /** The others, by problem. */
  readonly unjudged: readonly Unjudged[];
  readonly outcomes: Readonly<Record<string, number>>;
  readonly categories: Readonly<Record<string, number>>;
  /** Lines that an earlier, interrupted run had finished. */
  readonly resumed: number;
}

interface Line extends Executable {
  readonly index: number;
  readonly source: JsonLine;
}

/** What counting reads of a finished line. */
interface Judged {
  readonly task_id: string;
  readonly passed: boolean;
  readonly result: string;
  readonly outcome: string;
  readonly category: string | null;
}

export async function executeFile(config: Config, options: ExecuteFileOptions): Promise<ExecuteFileResult> {
  const { values } = config;
  const { out, signal, progress } = options;
  const view = createCategoryView(values, CATEGORIES, config.origins);
  await checkWritable(out);
  const { problems, hash } = await problemsOf(config);
  const byTask = new Map(problems.map((problem) => [problem.taskId, problem]));
  const content = createHash('sha256');
  const lines: Line[] = [];
  for await (const sample of readSamples(options.samples, new Set(byTask.keys()))) {
    const { taskId, sampleIndex, completion, source } = sample;
    const { prompt, entryPoint, test } = byTask.get(taskId)!;
    content.update(source.text).update('\n');
    const error = typeof source.value['error'] === 'string' ? source.value['error'] : null;
    const finishReason = sample.finishReason ?? '';
    lines.push({ index: lines.length, source, taskId, sampleIndex, prompt, entryPoint, test, completion, finishReason, error });
  }

  const executor = await openSandbox(values);
  try {
    signal.throwIfAborted();
    const { pythonVersion, tier } = executor.info;
    const settings = Object.entries(values).filter(([key]) => /^(limits|categories)\./.test(key));
    const fingerprint = createHash('sha256')
      .update(
        JSON.stringify(['execute', hash, content.digest('hex'), values.seed.toString(), limitsOf(values), settings, pythonVersion, tier]),
      )
      .digest('hex');
    const file = PartialFile.open(out, fingerprint);
    try {
      const resumed = file.size;
      const task = progress.task('execute', lines.length, resumed);
      const pending = lines.filter(({ index }) => !file.has(index));
      await executeAll(pending, { executor, seed: values.seed, view, signal }, ({ index, source }, { verdict, decision }) => {
        const added = {
          passed: verdict.passed,
          result: resultText(verdict),
          outcome: decision.outcome,
          category: decision.categoryName,
          category_code: decision.categoryCode,
        };
        file.add(index, withFields(source, added));
        task.advance();
      });
      const counts = countLines(file, lines.length);
      await file.complete(lines.length);
      progress.finish();
      return { out, samples: lines.length, ...counts, resumed };
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

/** Counts from the finished lines themselves, so that resumed ones are in it. */
function countLines(
  file: PartialFile,
  total: number,
): Pick<ExecuteFileResult, 'judged' | 'passed' | 'unjudged' | 'outcomes' | 'categories'> {
  let passed = 0;
  const without: { taskId: string; reason: string }[] = [];
  const outcomes: Record<string, number> = {};
  const categories: Record<string, number> = {};
  for (let index = 0; index < total; index++) {
    const line = JSON.parse(file.line(index)) as Judged;
    if (line.passed) passed++;
    if (line.outcome === 'infra') without.push({ taskId: line.task_id, reason: line.result.slice(INFRASTRUCTURE.length) });
    outcomes[line.outcome] = (outcomes[line.outcome] ?? 0) + 1;
    if (line.category !== null) categories[line.category] = (categories[line.category] ?? 0) + 1;
  }
  return { judged: total - without.length, passed, unjudged: gatherUnjudged(without), outcomes, categories };
}
