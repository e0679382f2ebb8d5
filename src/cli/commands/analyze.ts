/** `faultline analyze`: how the samples of a stored experiment failed. */
import type { Command } from 'commander';
import { addExperimentFlag, configOf, finishDefinition, type Options, outputOf, textOf } from '../command.js';
import { addConfigFlags } from '../config-flags.js';

export function define(command: Command): void {
  addConfigFlags(command, ['--outputs', '--db']);
  addExperimentFlag(command);
  finishDefinition(command, {
    examples: [
      ['faultline analyze', 'the newest experiment in outputs/faultline.db'],
      ['faultline analyze --db study.db --experiment gpt2-humaneval --json', 'one experiment, as JSON'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'internal'],
  });
  command.action(async ({ experiment, ...options }: Options) => {
    const { values } = configOf(undefined, options);
    const output = outputOf(options);
    const { analyzeStored } = await import('../../pipeline/analyze.js');
    const report = analyzeStored(values, textOf(experiment));
    const [{ renderSummary }, { reportJson }] = await Promise.all([import('../summary.js'), import('../../reports/render/json.js')]);
    output.result(reportJson(report), () => renderSummary(report, {}));
  });
}
