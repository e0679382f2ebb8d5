/** `faultline generate`: samples into a JSONL file, in problem and sample order, resumable after any interruption. */
import { createHash } from 'node:crypto';
import type { Config } from '../config/load.js';
import { canonicalResults } from '../config/load.js';
import { heldBy, showShard } from '../config/shard.js';
import { questionDigest } from '../datasets/problem.js';
import { FaultlineError } from '../errors.js';
import { version } from './bundled.js';
import { generationEstimate } from './calibration.js';
import { noteDevice } from './device.js';
import { joinEstimates, noteEstimate, sampleLinesBytes, type RunEstimate } from './estimate.js';
import { generateSamples, loadModel, noteCopies, samplesOf } from './generate.js';
import { modelFilesOf, problemsOf } from './inputs.js';
import { kernelMismatch, type Computed } from './mismatch.js';
import { checkWritable, PartialFile, refuseInputs } from './partial-file.js';
import type { Progress } from './progress.js';
import { shardsToRun } from './work-shards.js';
import { seedField } from './report.js';

export interface GenerateFileOptions {
  readonly out: string;
  /** Adds tokens and log-probabilities to each line. */
  readonly logprobs: boolean;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

export interface GenerateFileResult {
  readonly out: string;
  readonly problems: number;
  readonly samples: number;
  /** Samples that could not be made; their lines say why. */
  readonly errors: number;
  /** Lines that an earlier, interrupted run had finished. */
  readonly resumed: number;
  /** What drew this run's samples. */
  readonly device: string;
  readonly deviceName: string;
  /** What it was estimated to take; null where little was left to do. */
  readonly estimate: RunEstimate | null;
}

export async function generateFile(config: Config, { out, logprobs, signal, progress }: GenerateFileOptions): Promise<GenerateFileResult> {
  const { values } = config;
  await checkWritable(out);
  const { problems: all, hash, path } = await problemsOf(config);
  refuseInputs(out, [path, ...(await modelFilesOf(config))]);
  const problems = heldBy(shardsToRun(config, null, all.length), all);
  const model = await loadModel(config);
  try {
    signal.throwIfAborted();
    const { modelHash, device, deviceName, kernelFamily, isa } = model.info;
    const fingerprint = createHash('sha256')
      .update(
        JSON.stringify([
          'generate',
          canonicalResults(values),
          modelHash,
          model.tokenizer.hash,
          hash,
          logprobs,
          ...(values.shard === null ? [] : [showShard(values.shard)]),
        ]),
      )
      .digest('hex');
    const kernels: Computed = { device, kernelFamily, isa, version: version() };
    const file = PartialFile.open(out, fingerprint, {
      madeWith: kernels,
      mismatch: (then) => kernelMismatch(values['model.dtype'], then, kernels),
    });
    try {
      const perProblem = values.samples;
      const total = problems.length * perProblem;
      const resumed = file.size;
      const position = new Map(problems.map(({ taskId }, index) => [taskId, index]));
      const digests = new Map(problems.map((problem) => [problem.taskId, questionDigest(problem)]));
      const tasks = problems
        .map((problem, index) => ({
          problem,
          sampleIndices: Array.from({ length: perProblem }, (_, sample) => sample).filter(
            (sample) => !file.has(index * perProblem + sample),
          ),
        }))
        .filter(({ sampleIndices }) => sampleIndices.length > 0);
      if (tasks.length > 0) {
        noteDevice(values, model.info, progress);
        noteCopies(values, progress);
      }
      const part = await generationEstimate({ values, tasks, signal, loadModel: () => Promise.resolve(model) }, false, null);
      const diskBytes = part === null ? 0 : sampleLinesBytes(samplesOf(tasks), part.tokens, logprobs);
      const estimate = joinEstimates(part === null ? [] : [{ ...part, diskBytes, stage: 'generate', beside: false }], out);
      noteEstimate(estimate, progress);
      const task = progress.task('generate', total, resumed);
      let errors = 0;
      for await (const row of generateSamples(model, values, tasks, signal)) {
        const line = {
          task_id: row.taskId,
          completion: row.completion,
          sample_index: row.sampleIndex,
          finish_reason: row.finishReason,
          seed: seedField(row.seed),
          problem_digest: digests.get(row.taskId),
          ...(row.error === null ? {} : { error: row.error }),
          ...(logprobs ? { tokens: [...row.tokens], logprobs: [...row.logprobs] } : {}),
        };
        if (row.error !== null) errors++;
        file.add(position.get(row.taskId)! * perProblem + row.sampleIndex, JSON.stringify(line));
        task.advance();
      }
      await file.complete(total);
      progress.finish();
      return { out, problems: problems.length, samples: total, errors, resumed, device, deviceName, estimate };
    } catch (thrown) {
      if (signal.aborted) throw interrupted(file.size, signal.reason);
      throw thrown;
    } finally {
      file.close();
    }
  } finally {
    await model.dispose();
  }
}

/** The reason of an abort with what is kept added. */
export function interrupted(kept: number, reason: unknown): FaultlineError {
  return new FaultlineError('interrupted', `stopped; ${kept} finished lines are kept`, {
    ...(reason instanceof FaultlineError && reason.hint !== undefined ? { hint: reason.hint } : {}),
    cause: reason,
  });
}
