/** `faultline analyze`: how the samples of a stored experiment failed. */
import type { Command } from 'commander';
import { addExperimentFlag, configOf, finishDefinition, type Options, outputOf, textOf } from '../command.js';
import { addConfigFlags } from '../config-flags.js';

export function define(command: Command): void {
  addConfigFlags(command, ['--outputs', '--db']);
  addExperimentFlag(command);
  command.option('--output <file>', 'Write the decision, its shares and all analyses as JSON, as docs/analysis.schema.json describes it');
  finishDefinition(command, {
    examples: [
      ['faultline analyze', 'the newest experiment in outputs/faultline.db'],
      ['faultline analyze --db study.db --experiment gpt2-humaneval --json', 'one experiment, as JSON'],
      ['faultline analyze --output feasibility_report.json', 'the same as a file, which appears whole or not at all'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'output', 'internal'],
  });
  command.action(async ({ experiment, output: file, ...options }: Options) => {
    const { values } = configOf(undefined, options);
    const output = outputOf(options);
    const { analyzeStored, writeAnalysis } = await import('../../pipeline/analyze.js');
    const analysis = analyzeStored(values, textOf(experiment));
    const written = textOf(file) === undefined ? null : await writeAnalysis(values, analysis, textOf(file)!);
    const [{ renderSummary }, { analysisJson }, { analysisText }] = await Promise.all([
      import('../summary.js'),
      import('../../reports/render/analysis-json.js'),
      import('../analysis-text.js'),
    ]);
    output.result(
      analysisJson(analysis),
      () => `${renderSummary(analysis.report, {})}\n\n${analysisText(analysis)}${written === null ? '' : `\n\nanalysis: ${written}`}`,
    );
  });
}
