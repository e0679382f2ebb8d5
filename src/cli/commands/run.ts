/** `faultline run`: the experiment of a config, all stages or some. */
import type { Command } from 'commander';
import { showShard } from '../../config/shard.js';
import { bundledConfig, configFile, readyConfigs } from '../../pipeline/bundled.js';
import { chooseStages, STAGES } from '../../pipeline/stages/index.js';
import { configOf, finishDefinition, type Options, outputOf, textOf, withInterrupt } from '../command.js';
import { addConfigFlags, EXECUTION_FLAGS, GENERATION_FLAGS } from '../config-flags.js';
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
      ['faultline run config.yaml --only generate', 'samples alone: needs neither sandbox nor Python'],
      ['faultline run config.yaml --from classify', 'stored verdicts decided again, and the report'],
      ['faultline run config.yaml --shard 0/4 --db part0.db', 'the first of four parts, for machines that work side by side'],
      ['faultline merge part*.db --output study.db', 'the parts as one experiment'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'environment', 'output', 'infrastructure', 'interrupted', 'internal'],
  });
  command.action(async (file: string | undefined, { only, from, estimate: estimateOnly, ...options }: Options) => {
    const stages = chooseStages({ only: textOf(only), from: textOf(from) });
    const config = configOf(file === undefined ? bundledConfig() : configFile(file), options);
    const output = outputOf(options);
    const { estimateExperiment, runExperiment } = await import('../../pipeline/run.js');
    if (estimateOnly === true) {
      const [estimate, { describeEstimate }] = await Promise.all([
        withInterrupt((context) => estimateExperiment(config, { ...context, stages })),
        import('../../pipeline/estimate.js'),
      ]);
      output.result({ estimate }, () => (estimate === null ? 'nothing is left to do' : describeEstimate(estimate).join('\n')));
      return;
    }
    const result = await withInterrupt((context) => runExperiment(config, { ...context, stages }));
    const [{ renderSummary }, { reportJson }] = await Promise.all([import('../summary.js'), import('../../reports/render/json.js')]);
    const { experiment, report, database, directory, files, shards, samples, judged, generated, executed, unjudged, unsupported } = result;
    output.result(
      {
        experiment: experiment.name,
        hash: experiment.hash,
        database,
        directory,
        files,
        shards: shards.map(showShard),
        generated,
        executed,
        stages: result.stages.map(({ name, done, skipped }) => ({ name, done, skipped })),
        estimate: result.estimate,
        unjudged,
        unsupported,
        report: report === null ? null : reportJson(report),
      },
      () =>
        report === null || directory === null
          ? `${experiment.name}: ${samples} samples and ${judged} verdicts in ${database}`
          : renderSummary(report, { directory }),
    );
    noteUnsupported(unsupported, output);
    reportUnjudged(unjudged, output);
  });
}

function stagesHelp(): string {
  const width = Math.max(...STAGES.map(({ name }) => name.length));
  const rows = STAGES.map(({ name, summary, done }) => `  ${name.padEnd(width)}  ${summary}; done: ${done}`);
  return `\nStages, in this order; each skips what is done:\n${rows.join('\n')}`;
}
