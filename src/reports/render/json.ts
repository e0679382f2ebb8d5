/**
 * The report as JSON, `report.json`. Keys are snake_case, as in HumanEval's files; shares are numbers from 0 to 1; `null` stands for
 * what there is nothing to say about. The layout, version {@link REPORT_VERSION}:
 *
 * - `schema` "faultline.report", `version` the layout's number: it grows when a field changes its meaning or goes, not when one is added
 * - `experiment` the experiment's row (hashes, dtype, device, kernels, CPU, Python, isolation, seed as text) with `config` as path -> value;
 *   `category_settings` the config's entries about categories that are set, as path -> value, null where an older version did not record them;
 *   `other_machines` lines of the run log about parts that another machine or version made
 *   `machines` { draw, execute }: lists of { cpu, cores, memory_bytes, system } of the machines that drew samples and executed programs, empty where an
 *   older version did not record them; where one recorded only a part, an entry with null for all but the processor stands for what came before
 * - `strategy` the strategy reported on
 * - `counts` problems, samples, counted (all but infra), passed, failed, infra, unsupported, solved_problems, near_limit, fragile_passes, tokens,
 *   samples_per_problem
 * - `costs` { tokens, draw_seconds, executions, cpu_seconds, wall_seconds } of counted samples: tokens drawn, how long that took by the clock (null where
 *   not all were measured), programs executed (equal ones of a problem once), and what their executions took
 * - `partial` null, or for a report on a part of the experiment { samples, problems, shards }: the whole's numbers, and which shards of its work are here
 * - `pass_at_k`, `pass_curve` lists of { k, problems, ...estimate }; `omitted_k` values of k beyond the samples
 * - `crash_rate` an estimate: { value, low, high, method }, where method is `bca`, `wilson` or `none`
 * - `outcomes` list of { outcome, count, ...estimate of the share of counted samples }
 * - `categories` list of { code, name, outcome, rule, residual, count, problems, ...estimate of the share of failures }
 * - `feasibility` { decision, undecided, threshold, outside_residual, outside_other }, the last two estimates; `undecided` says why `decision` is
 *   `undecided`: `no_failures`, or `partial` where the samples are a part of the experiment's
 * - `problems` list of the per-problem table; `finish_reasons` list of { reason, count, share }
 * - `worst` the samples printed in full, with `failure` { headline, line, column, node, assertion }
 * - `intervals` { confidence, resamples, seed } of the bootstrap
 * - no samples but the worst: all of them stand in `samples.jsonl` beside it
 * - `software` { faultline, node } that made the report, or null; `methods` the methods paragraph as text
 * - `warnings` list of { rule, at, text, reason, source }: where there is too little for a claim; `at` is overview, outcomes, categories,
 *   feasibility, pass_at_k, text_view, or of the analyses programs, dependence, co_occurrence, failure_position or first_divergence
 * - `text_view` null where no text was measured, else
 *   - `samples`, `problems` those that were measured, `unmeasured` counted samples that were not, `least` { samples, problems } that a class needs
 *   - `intervals` as above, for the areas and the shares of programs
 *   - `targets` list of { target, code, name, against, samples, problems, measures }, where target is `pass`, `crash` or `category` and against `rest`
 *     or `pass`; `measures` list of { measure, better, positives, negatives, pooled, within, adjusted_p, mixed_problems, missing }: areas under the ROC curve of
 *     the measure's raw value as estimates, over all pairs (without an interval against passes) and within problems; `missing` says why a value is null;
 *     `adjusted_p` is null or, of a category against passes, the p-value of the area within problems against 0.5, adjusted for all such areas; `tests`
 *     { areas, level } says how many these are, and up to which value `told` is `yes`
 *   - `categories` list of { code, name, samples, problems, mixed_problems, told, by, missing }, where told is `yes` (`by` these measures), `not_shown`
 *     or `unknown`
 *   - `similar_failures`, `dissimilar_passes` lists of { task_id, sample_index, outcome, category_code, category, edit_similarity, samples }
 *   - `programs` { samples, programs, outcomes }, the last a list of { outcome, samples, programs, ...estimate of the share of distinct programs }
 */
import type { Machine } from '../../store/types.js';
import type { Costs } from '../costs.js';
import { methodsLine } from '../methods.js';
import type { Disagreement, PassAtK, ReportData, TextView } from '../report-data.js';

export const REPORT_SCHEMA = 'faultline.report';
export const REPORT_VERSION = 2;

/** The report's JSON value; `JSON.stringify` of it is the file. */
export function reportJson(data: ReportData): Readonly<Record<string, unknown>> {
  const { experiment, counts, feasibility } = data;
  const pass = ({ k, problems, estimate }: PassAtK): object => ({ k, problems, ...estimate });
  return {
    schema: REPORT_SCHEMA,
    version: REPORT_VERSION,
    experiment: {
      name: experiment.name,
      hash: experiment.hash,
      seed: experiment.seed,
      model_hash: experiment.modelHash,
      tokenizer_hash: experiment.tokenizerHash,
      problems_hash: experiment.problemsHash,
      dtype: experiment.dtype,
      device: experiment.device,
      device_name: experiment.deviceName,
      kernel_family: experiment.kernelFamily,
      isa: experiment.isa,
      cpu: experiment.cpu,
      python_version: experiment.pythonVersion,
      isolation_tier: experiment.isolationTier,
      calibration: experiment.calibration,
      version: experiment.version,
      created_at: experiment.createdAt,
      finished_at: experiment.finishedAt,
      config: Object.fromEntries(experiment.config.map(({ key, value }) => [key, value])),
      category_settings:
        experiment.categorySettings === null
          ? null
          : Object.fromEntries(experiment.categorySettings.map(({ key, value }) => [key, JSON.parse(value) as unknown])),
      other_machines: data.otherMachines,
      machines: { draw: data.machines.draw.map(machineJson), execute: data.machines.execute.map(machineJson) },
    },
    strategy: data.strategy,
    counts: {
      problems: counts.problems,
      samples: counts.samples,
      counted: counts.counted,
      passed: counts.passed,
      failed: counts.failed,
      infra: counts.infra,
      unsupported: counts.unsupported,
      solved_problems: counts.solvedProblems,
      near_limit: counts.nearLimit,
      fragile_passes: counts.fragilePasses,
      tokens: counts.tokens,
      samples_per_problem: counts.samplesPerProblem,
    },
    costs: costsJson(data.costs),
    partial: data.partial,
    pass_at_k: data.passAtK.map(pass),
    omitted_k: data.omittedK,
    pass_curve: data.passCurve.map(pass),
    crash_rate: data.crashRate,
    outcomes: data.outcomes.map(({ outcome, count, share }) => ({ outcome, count, ...share })),
    categories: data.categories.map(({ share, ...category }) => ({ ...category, ...share })),
    feasibility: {
      decision: feasibility.decision,
      undecided: feasibility.undecided,
      threshold: feasibility.threshold,
      outside_residual: feasibility.outsideResidual,
      outside_other: feasibility.outsideOther,
    },
    problems: data.problems.map((problem) => ({
      task_id: problem.taskId,
      difficulty: problem.difficulty,
      samples: problem.samples,
      infra: problem.infra,
      passes: problem.passes,
      pass_at_1: problem.passAt1,
      outcomes: problem.outcomes,
      top_category: problem.topCategory,
      mean_tokens: problem.meanTokens,
      costs: costsJson(problem.costs),
    })),
    finish_reasons: data.finishReasons,
    worst: data.worst.map((sample) => ({
      task_id: sample.taskId,
      sample_index: sample.sampleIndex,
      entry_point: sample.entryPoint,
      category_code: sample.categoryCode,
      category: sample.categoryName,
      outcome: sample.outcome,
      category_count: sample.categoryCount,
      evidence: sample.evidence,
      finish_reason: sample.finishReason,
      tokens: sample.tokenCount,
      mean_logprob: sample.meanLogprob,
      prompt: sample.prompt,
      completion: sample.completion,
      failure: {
        headline: sample.failure.headline,
        line: sample.failure.line,
        column: sample.failure.column,
        node: sample.failure.node,
        assertion: sample.failure.assertion && {
          index: sample.failure.assertion.index,
          source: sample.failure.assertion.source,
          returned: sample.failure.assertion.returned,
          returned_type: sample.failure.assertion.returnedType,
          expected: sample.failure.assertion.expected,
          expected_type: sample.failure.assertion.expectedType,
        },
      },
    })),
    intervals: data.intervals,
    software: data.software,
    methods: methodsLine(data),
    warnings: data.warnings,
    text_view: data.textView && textViewJson(data.textView),
  };
}

function machineJson({ cpu, cores, memoryBytes, system }: Machine): object {
  if (cores === 0) return { cpu, cores: null, memory_bytes: null, system: null };
  return { cpu, cores, memory_bytes: memoryBytes, system };
}

/** Also of `diff`. */
export function costsJson({ tokens, drawSeconds, executions, cpuSeconds, wallSeconds }: Costs): object {
  return { tokens, draw_seconds: drawSeconds, executions, cpu_seconds: cpuSeconds, wall_seconds: wallSeconds };
}

function textViewJson(view: TextView): object {
  const disagreement = ({ taskId, sampleIndex, outcome, categoryCode, categoryName, similarity, samples }: Disagreement): object => ({
    task_id: taskId,
    sample_index: sampleIndex,
    outcome,
    category_code: categoryCode,
    category: categoryName,
    edit_similarity: similarity,
    samples,
  });
  return {
    samples: view.samples,
    problems: view.problems,
    unmeasured: view.unmeasured,
    least: view.least,
    intervals: view.intervals,
    targets: view.targets.map(({ kind, measures, ...target }) => ({
      target: kind,
      ...target,
      measures: measures.map(({ adjustedP, mixedProblems, missing, ...area }) => ({
        ...area,
        adjusted_p: adjustedP,
        mixed_problems: mixedProblems,
        missing,
      })),
    })),
    categories: view.categories.map(({ mixedProblems, told, by, missing, ...category }) => ({
      ...category,
      mixed_problems: mixedProblems,
      told,
      by,
      missing,
    })),
    tests: view.tests,
    similar_failures: view.similarFailures.map(disagreement),
    dissimilar_passes: view.dissimilarPasses.map(disagreement),
    programs: {
      samples: view.programs.samples,
      programs: view.programs.programs,
      outcomes: view.programs.outcomes.map(({ share, ...outcome }) => ({ ...outcome, ...share })),
    },
  };
}
