/** `faultline run`: the experiment of a config, or one for each of its strategies; all stages or some. */
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../../config/load.js';
import { showShard } from '../../config/shard.js';
import { bundledConfig, configFile, readyConfigs } from '../../pipeline/bundled.js';
import type { RunResult } from '../../pipeline/run.js';
import { chooseStages, STAGES } from '../../pipeline/stages/index.js';
import type { StageRow } from '../../pipeline/stages/stage.js';
import type { Strategies } from '../../pipeline/strategies.js';
import { finishDefinition, type Options, outputOf, studyOf, textOf, withInterrupt } from '../command.js';
import { addConfigFlags, EXECUTION_FLAGS, GENERATION_FLAGS } from '../config-flags.js';
import type { Output } from '../output.js';
import { noteUnsupported, reportUnjudged } from '../unjudged.js';

export function define(command: Command): void {
  command.argument('[config]', `YAML file, or a ready config (${readyConfigs().join(', ')}); default: the bundled faultline.yaml`);
  addConfigFlags(command, [...GENERATION_FLAGS, ...EXECUTION_FLAGS, '--experiment', '--outputs', '--db']);
  const names = STAGES.map(({ name }) => name);
  command
    .option('--only <stages>', `Run these stages alone, separated by commas: ${names.join(', ')}`)
    .option('--from <stage>', 'Run this stage and those after it')
    .option('--estimate', 'Print what the run would take of time, memory and disk, and run nothing');
  command.addHelpText('after', stagesHelp());
  finishDefinition(command, {
    examples: [
      ['faultline run', 'the bundled model on the bundled problems'],
      ['faultline run config.yaml --samples 50', 'a config of your own; flags override it'],
      ['faultline run --model gpt2 --problems humaneval --samples 10', 'GPT-2 on HumanEval, once both are fetched'],
      ['faultline run feasibility --estimate', 'what the first phase of the study would take'],
      ['faultline run feasibility --num-problems 5', 'a ready config, smaller'],
      ['faultline run methods', 'strategies of the study, one after the other, and compared'],
      ['faultline run config.yaml --only generate', 'samples alone: needs neither sandbox nor Python'],
      ['faultline run config.yaml --from classify', 'stored verdicts decided again, and the report'],
      ['faultline run config.yaml --shard 0/4 --db part0.db', 'the first of four parts, for machines that work side by side'],
      ['faultline merge part*.db --output study.db', 'the parts as one experiment'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'environment', 'output', 'infrastructure', 'interrupted', 'internal'],
  });
  command.action(async (file: string | undefined, { only, from, estimate: estimateOnly, ...options }: Options) => {
    const stages = chooseStages({ only: textOf(only), from: textOf(from) });
    const { config, strategies } = studyOf(file === undefined ? bundledConfig() : configFile(file), options);
    const work = { stages, estimateOnly: estimateOnly === true, output: outputOf(options) };
    await (strategies === null ? runOne(config, work) : runSeveral({ config, strategies }, work));
  });
}

interface Work {
  readonly stages: readonly StageRow[];
  readonly estimateOnly: boolean;
  readonly output: Output;
}

const NOTHING_LEFT = 'nothing is left to do';

async function runOne(config: Config, { stages, estimateOnly, output }: Work): Promise<void> {
  const { estimateExperiment, runExperiment } = await import('../../pipeline/run.js');
  if (estimateOnly) {
    const [estimate, { describeEstimate }] = await Promise.all([
      withInterrupt((context) => estimateExperiment(config, { ...context, stages })),
      import('../../pipeline/estimate.js'),
    ]);
    output.result({ estimate }, () => (estimate === null ? NOTHING_LEFT : describeEstimate(estimate).join('\n')));
    return;
  }
  const result = await withInterrupt((context) => runExperiment(config, { ...context, stages }));
  const [{ renderSummary }, { reportJson }] = await Promise.all([import('../summary.js'), import('../../reports/render/json.js')]);
  const { report, directory } = result;
  output.result({ ...runDocument(result), report: report === null ? null : reportJson(report) }, () =>
    report === null || directory === null ? storedLine(result) : renderSummary(report, { directory }),
  );
  noteUnsupported(result.unsupported, output);
  reportUnjudged(result.unjudged, output);
}

async function runSeveral(study: Strategies, { stages, estimateOnly, output }: Work): Promise<void> {
  const { describeStrategies, estimateStrategies, runStrategies, strategiesJson } = await import('../../pipeline/run-strategies.js');
  if (estimateOnly) {
    const estimate = await withInterrupt((context) => estimateStrategies(study, { ...context, stages }));
    output.result({ estimate }, () => (estimate === null ? NOTHING_LEFT : describeStrategies(estimate).join('\n')));
    return;
  }
  const result = await withInterrupt((context) => runStrategies(study, { ...context, stages }));
  const [{ strategiesText }, { shortPath }] = await Promise.all([import('../strategies-text.js'), import('../summary.js')]);
  const { strategies, comparison } = result;
  output.result(strategiesJson(result, runDocument), () =>
    comparison === null
      ? strategies.map(storedLine).join('\n')
      : [
          strategiesText(comparison.strategies),
          [
            ...strategies.map(({ directory }) => `report: ${shortPath(join(directory!, 'report.html'))}`),
            `comparison: ${shortPath(join(comparison.directory, 'comparison.html'))}`,
          ].join('\n'),
        ].join('\n\n'),
  );
  for (const { unsupported } of strategies) noteUnsupported(unsupported, output);
  for (const { unjudged } of strategies) reportUnjudged(unjudged, output);
}

function storedLine({ experiment, samples, judged, database }: RunResult): string {
  return `${experiment.name}: ${samples} samples and ${judged} verdicts in ${database}`;
}

/** What `--json` says of a run, without its report. */
export function runDocument(result: RunResult): Readonly<Record<string, unknown>> {
  const { experiment, database, directory, files, shards, generated, executed, stages, estimate, unjudged, unsupported } = result;
  return {
    experiment: experiment.name,
    hash: experiment.hash,
    database,
    directory,
    files,
    shards: shards.map(showShard),
    generated,
    executed,
    stages: stages.map(({ name, done, skipped }) => ({ name, done, skipped })),
    estimate,
    unjudged,
    unsupported,
  };
}

function stagesHelp(): string {
  const width = Math.max(...STAGES.map(({ name }) => name.length));
  const rows = STAGES.map(({ name, summary, done }) => `  ${name.padEnd(width)}  ${summary}; done: ${done}`);
  return `\nStages, in this order; each skips what is done:\n${rows.join('\n')}`;
}
