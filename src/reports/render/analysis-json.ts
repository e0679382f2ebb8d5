/**
 * What `faultline analyze` prints with `--json` and writes with `--output`: the report's JSON (`json.ts`), without its own schema and version,
 * and the analyses beside it. `docs/analysis.schema.json` describes every field; {@link ANALYSIS_VERSION} grows when one changes its meaning or
 * goes, not when one is added.
 */
import type { Analysis } from '../analysis/analysis.js';
import type { BySetting } from '../analysis/by-setting.js';
import type { CoOccurrence } from '../analysis/co-occurrence.js';
import type { Distribution, Group } from '../analysis/distribution.js';
import type { FailurePosition, PositionCounts } from '../analysis/failure-position.js';
import type { DivergenceCounts, FirstDivergence } from '../analysis/first-divergence.js';
import type { HiddenAssertions } from '../analysis/hidden-assertions.js';
import type { ProgramShares, TwoShares } from '../analysis/programs.js';
import { costsJson, reportJson } from './json.js';

export const ANALYSIS_SCHEMA = 'faultline.analysis';
export const ANALYSIS_VERSION = 1;

/** The document; `JSON.stringify` of it is the file. */
export function analysisJson(analysis: Analysis): Readonly<Record<string, unknown>> {
  return {
    ...reportJson({ ...analysis.report, analyses: analysis }),
    schema: ANALYSIS_SCHEMA,
    version: ANALYSIS_VERSION,
    hidden_assertions: hiddenJson(analysis.hiddenAssertions),
    programs: programsJson(analysis.programs),
    distributions: analysis.distributions.map(distributionJson),
    co_occurrence: coOccurrenceJson(analysis.coOccurrence),
    failure_position: positionJson(analysis.failurePosition),
    first_divergence: divergenceJson(analysis.firstDivergence),
    position_resamples: analysis.positionResamples,
    ...(analysis.bySetting === undefined ? {} : { by_setting: bySettingJson(analysis.bySetting) }),
  };
}

function bySettingJson({ experiments, problems, differing, tables, failures, intervals, warnings }: BySetting): object {
  return {
    experiments,
    problems: {
      compared: problems.compared,
      not_in_all: problems.notInAll,
      changed: problems.changed,
      not_judged: problems.notJudged,
    },
    differing,
    tables: tables.map(({ setting, groups, alsoDiffer, missing }) => ({
      setting,
      groups: groups.map(({ families, hiddenAssertions, programs, costs, ...group }) => ({
        ...groupJson(group),
        families: families.map(({ share, ofPrograms, ...family }) => ({ ...family, ...share, of_programs: ofPrograms })),
        hidden_assertions: hiddenJson(hiddenAssertions),
        programs: programsJson(programs),
        costs: costsJson(costs),
      })),
      also_differ: alsoDiffer,
      missing,
    })),
    failures: {
      categories: failures.categories,
      chi_square: failures.chiSquare,
      degrees: failures.degrees,
      p: failures.p,
      cramers_v: failures.cramersV,
    },
    intervals,
    warnings,
  };
}

function hiddenJson({ problems, assertions, samples, passed, passedHidden, unknown, passAtK, table, missing }: HiddenAssertions): object {
  return {
    problems: {
      all: problems.all,
      marked: problems.marked,
      with_examples: problems.withExamples,
      with_visible: problems.withVisible,
      all_visible: problems.allVisible,
    },
    assertions,
    samples,
    passed,
    passed_hidden: passedHidden,
    unknown,
    pass_at_k: passAtK.map(({ hiddenAtMost, ...each }) => ({ ...each, hidden_at_most: hiddenAtMost })),
    table: {
      both: table.both,
      visible_only: table.visibleOnly,
      hidden_only: table.hiddenOnly,
      neither: table.neither,
      unknown: table.unknown,
    },
    missing,
  };
}

function programsJson({ samples, programs, distinct, crash, outcomes, categories }: ProgramShares): object {
  const shares = (each: TwoShares): object => ({
    samples: each.samples,
    of_samples: each.ofSamples,
    programs: each.programs,
    of_programs: each.ofPrograms,
  });
  return {
    samples,
    programs,
    distinct,
    crash: shares(crash),
    outcomes: outcomes.map((each) => ({ outcome: each.outcome, ...shares(each) })),
    categories: categories.map((each) => ({ code: each.code, name: each.name, ...shares(each) })),
  };
}

function distributionJson({ dimension, unit, groups, missing }: Distribution): object {
  return { dimension, unit, groups: groups.map(({ costs, ...group }) => ({ ...groupJson(group), costs: costsJson(costs) })), missing };
}

function groupJson({ meanTokens, ...group }: Omit<Group, 'costs'>): object {
  return { ...group, mean_tokens: meanTokens };
}

function coOccurrenceJson({ tags, problems }: CoOccurrence): object {
  return {
    tags,
    problems: problems.map(({ a, b, both, withA, withB, expected }) => ({ a, b, both, with_a: withA, with_b: withB, expected })),
  };
}

function positionJson({ failures, categories, ...counts }: FailurePosition): object {
  const fields = ({ position, withoutLine, inPrompt, oneLine }: PositionCounts): object => ({
    position,
    without_line: withoutLine,
    in_prompt: inPrompt,
    one_line: oneLine,
  });
  return { failures, ...fields(counts), categories: categories.map((each) => ({ code: each.code, name: each.name, ...fields(each) })) };
}

function divergenceJson({ failures, withoutTokens, withoutSibling, beginnings, categories, missing, ...counts }: FirstDivergence): object {
  const fields = ({ position, logprob, entropy }: DivergenceCounts): object => ({ position, logprob, entropy });
  return {
    failures,
    without_tokens: withoutTokens,
    without_sibling: withoutSibling,
    beginnings,
    ...fields(counts),
    categories: categories.map((each) => ({ code: each.code, name: each.name, ...fields(each) })),
    missing,
  };
}
