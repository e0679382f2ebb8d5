/** `faultline report`: writes the report of a stored experiment again. */
import type { Command } from 'commander';
import { addExperimentFlag, configOf, finishDefinition, type Options, outputOf, textOf, withInterrupt } from '../command.js';
import { addConfigFlags } from '../config-flags.js';

export function define(command: Command): void {
  addConfigFlags(command, ['--outputs', '--db']);
  addExperimentFlag(command);
  finishDefinition(command, {
    examples: [
      ['faultline report', 'outputs/<experiment>/report.html of the newest experiment'],
      ['faultline report --experiment 1f0c9a', 'an older one: where a newer has its name, in outputs/<experiment>@<hash>/'],
      ['faultline report --db study.db --experiment gpt2-humaneval --outputs out', 'another one, elsewhere'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'output', 'interrupted', 'internal'],
  });
  command.action(async ({ experiment, ...options }: Options) => {
    const { values } = configOf(undefined, options);
    const output = outputOf(options);
    const { reportStored } = await import('../../pipeline/analyze.js');
    const { report, directory, files } = await withInterrupt((context) => reportStored(values, textOf(experiment), context));
    const [{ renderSummary }, { reportJson }] = await Promise.all([import('../summary.js'), import('../../reports/render/json.js')]);
    output.result({ experiment: report.experiment.name, directory, files, report: reportJson(report) }, () =>
      renderSummary(report, { directory }),
    );
  });
}
