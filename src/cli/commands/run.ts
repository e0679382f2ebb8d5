/** `faultline run`: the whole experiment of a config. */
import type { Command } from 'commander';
import { showShard } from '../../config/shard.js';
import { bundledConfig } from '../../pipeline/bundled.js';
import { configOf, finishDefinition, outputOf, withInterrupt, type Options } from '../command.js';
import { addConfigFlags, EXECUTION_FLAGS, GENERATION_FLAGS } from '../config-flags.js';
import { noteUnsupported, reportUnjudged } from '../unjudged.js';

export function define(command: Command): void {
  command.argument('[config]', 'YAML file; default: the bundled faultline.yaml');
  addConfigFlags(command, [...GENERATION_FLAGS, ...EXECUTION_FLAGS, '--experiment', '--outputs', '--db']);
  finishDefinition(command, {
    examples: [
      ['faultline run', 'the bundled model on the bundled problems'],
      ['faultline run config.yaml --samples 50', 'a config of your own; flags override it'],
      ['faultline run --model gpt2 --problems humaneval --samples 10', 'GPT-2 on HumanEval, once both are fetched'],
      ['faultline run config.yaml --shard 0/4 --db part0.db', 'the first of four parts, for machines that work side by side'],
      ['faultline merge part*.db --output study.db', 'the parts as one experiment'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'environment', 'output', 'infrastructure', 'interrupted', 'internal'],
  });
  command.action(async (file: string | undefined, options: Options) => {
    const config = configOf(file ?? bundledConfig(), options);
    const output = outputOf(options);
    const { runExperiment } = await import('../../pipeline/run.js');
    const result = await withInterrupt((context) => runExperiment(config, context));
    const [{ renderSummary }, { reportJson }] = await Promise.all([import('../summary.js'), import('../../reports/render/json.js')]);
    const { experiment, report, database, directory, files, shards, generated, executed, unjudged, unsupported } = result;
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
        unjudged,
        unsupported,
        report: reportJson(report),
      },
      () => renderSummary(report, { directory }),
    );
    noteUnsupported(unsupported, output);
    reportUnjudged(unjudged, output);
  });
}
