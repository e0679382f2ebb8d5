/** `faultline generate`: completions of problems into a JSONL file. */
import type { Command } from 'commander';
import { showShard } from '../../config/shard.js';
import { bundledConfig, configFile } from '../../pipeline/bundled.js';
import { configOf, finishDefinition, outputOf, withInterrupt, type Options } from '../command.js';
import { addConfigFlags, GENERATION_FLAGS } from '../config-flags.js';
import { plural } from '../../reports/render/format.js';

export function define(command: Command): void {
  command.argument('[config]', 'YAML file or ready config; default: the bundled faultline.yaml');
  addConfigFlags(command, GENERATION_FLAGS);
  command
    .option('--logprobs', 'Add `tokens` and `logprobs` to each line')
    .requiredOption('--out <file>', 'File to write, in problem and sample order; appears when complete, resumes from <file>.partial');
  finishDefinition(command, {
    examples: [
      ['faultline generate --out samples.jsonl', 'the bundled model on the bundled problems'],
      [
        'faultline generate --model gpt2 --problems humaneval --samples 10 --temperature 0.8 --top-p 0.95 --out s.jsonl',
        'HumanEval with GPT-2',
      ],
      ['faultline generate --shard 0/2 --out first.jsonl', 'every other problem; --shard 1/2 has the rest'],
      ['faultline generate config.yaml --temperature 0 --samples 1 --logprobs --out greedy.jsonl', 'greedy, with log-probabilities'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'environment', 'output', 'interrupted', 'internal'],
  });
  command.action(async (file: string | undefined, options: Options) => {
    const config = configOf(file === undefined ? bundledConfig() : configFile(file), options);
    const output = outputOf(options);
    const out = String(options['out']);
    const { shard } = config.values;
    const { generateFile } = await import('../../pipeline/generate-file.js');
    const result = await withInterrupt((context) => generateFile(config, { ...context, out, logprobs: options['logprobs'] === true }));
    // What an earlier run of the same command could not draw is not among its errors.
    const of = result.resumed === 0 ? '' : ' of those left';
    const failed = result.errors === 0 ? '' : `; ${result.errors}${of} could not be drawn, as said in the file`;
    output.result(
      result,
      () =>
        `${plural(result.samples, 'sample')} of ${plural(result.problems, 'problem')} in ${out}${shard === null ? '' : ` (shard ${showShard(shard)})`}${failed}`,
    );
  });
}
