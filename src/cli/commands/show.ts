/** `faultline show`: one sample with its failing line, verdict and tokens; or the samples of a task as a list. */
import type { Command } from 'commander';
import { FaultlineError } from '../../errors.js';
import { coloursOf } from '../colours.js';
import { addExperimentFlag, configOf, finishDefinition, type Options, outputOf, textOf } from '../command.js';
import { addConfigFlags } from '../config-flags.js';

const TOKENS = 8;

export function define(command: Command): void {
  command.argument('<task>', 'Id of a task, such as HumanEval/3');
  command.argument('[index]', "Index of one of its samples; without it, the task's samples as a list");
  addConfigFlags(command, ['--model', '--outputs', '--db']);
  addExperimentFlag(command);
  command.option('--strategy <name>', 'Where an experiment has samples of several');
  command.option('--tokens', 'List all tokens, not the least likely only');
  finishDefinition(command, {
    examples: [
      ['faultline show Pico/5', 'how the samples of a task ended'],
      ['faultline show Pico/5 2', 'one of them'],
      ['faultline show HumanEval/3 17 --model gpt2 --tokens --db study.db', 'with every token; the model spells them'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'internal'],
  });
  command.action(async (taskId: string, index: string | undefined, { experiment, strategy, tokens, ...options }: Options) => {
    const { values } = configOf(undefined, options);
    const output = outputOf(options);
    const choice = {
      taskId,
      strategy: textOf(strategy) ?? null,
      experiment: textOf(experiment),
    };
    const { listSamples, showSample } = await import('../../pipeline/show.js');
    if (index === undefined) {
      const [{ describeFailure }, { textTable }] = await Promise.all([import('../../reports/describe.js'), import('../text-table.js')]);
      const found = listSamples(values, { ...choice, sampleIndex: null });
      const rows = found.samples.map(({ strategy: of, sampleIndex, outcome, categoryCode, categoryName, verdict }) => ({
        strategy: of,
        sample_index: sampleIndex,
        outcome,
        category_code: categoryCode,
        category: categoryName,
        failure: verdict.passed ? null : describeFailure(verdict).headline,
      }));
      output.result(
        { experiment: found.experiment.name, task_id: taskId, samples: rows },
        () =>
        textTable(Object.keys(rows[0]!), rows.map((row) => Object.values(row))), // prettier-ignore
      );
      return;
    }
    if (!/^\d{1,10}$/.test(index)) {
      throw new FaultlineError('usage', `a sample's index is a whole number, not ${index}`, { hint: 'Such as `faultline show Pico/5 2`.' });
    }
    const shown = await showSample(values, { ...choice, sampleIndex: Number(index) });
    if (shown.withoutText !== null && shown.tokens.length > 0) output.note(`tokens have no text here: ${shown.withoutText}`);
    const { sampleText } = await import('../../reports/render/sample-text.js');
    output.result({ experiment: shown.experiment.name, ...shown.sample, token_list: shown.tokens }, () =>
      sampleText(shown.experiment.name, shown.sample, shown.tokens, {
        colours: coloursOf(process.stdout),
        most: tokens === true ? Infinity : TOKENS,
      }),
    );
  });
}
