/** `faultline analyze`: how the samples of a stored experiment failed. */
import type { Command } from 'commander';
import { FaultlineError } from '../../errors.js';
import type { Analysis } from '../../reports/analysis/analysis.js';
import { configOf, finishDefinition, type Options, outputOf, textOf, withProgress } from '../command.js';
import { addConfigFlags } from '../config-flags.js';

export function define(command: Command): void {
  addConfigFlags(command, ['--outputs', '--db']);
  command.option(
    '--experiment <names>',
    'Name, hash or beginning of a hash; several, with commas between or the flag repeated, are compared by their settings; default: the newest',
    (given: string, before?: string) => (before === undefined ? given : `${before},${given}`),
  );
  command.option('--output <file>', 'Write the decision, its shares and all analyses as JSON, as docs/analysis.schema.json describes it');
  finishDefinition(command, {
    examples: [
      ['faultline analyze', 'the newest experiment in outputs/faultline.db'],
      ['faultline analyze --db study.db --experiment gpt2-humaneval --json', 'one experiment, as JSON'],
      ['faultline analyze --output feasibility_report.json', 'the same as a file, which appears whole or not at all'],
      ['faultline analyze --experiment cool,warm,hot', 'three of one database: rates and failures by strategy and temperature'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'output', 'internal'],
  });
  command.action(async ({ experiment, output: file, ...options }: Options) => {
    const { values } = configOf(undefined, options);
    const output = outputOf(options);
    const { analyzeBySetting, analyzeStored, writeAnalysis } = await import('../../pipeline/analyze.js');
    const names = namesOf(textOf(experiment));
    const analysis: Analysis = await withProgress((progress) =>
      names.length > 1 ? analyzeBySetting(values, names, progress) : analyzeStored(values, names[0], progress),
    );
    const written = textOf(file) === undefined ? null : await writeAnalysis(values, analysis, textOf(file)!);
    const [{ renderSummary }, { analysisJson }, { analysisText }, { bySettingText }] = await Promise.all([
      import('../summary.js'),
      import('../../reports/render/analysis-json.js'),
      import('../analysis-text.js'),
      import('../by-setting-text.js'),
    ]);
    const { report, bySetting } = analysis;
    const text = (): string =>
      bySetting === undefined ? `${renderSummary(report, {})}\n\n${analysisText(analysis)}` : bySettingText(bySetting);
    output.result(analysisJson(analysis), () => `${text()}${written === null ? '' : `\n\nanalysis: ${written}`}`);
  });
}

/** No name of an experiment has a comma. Throws `usage` for one of several that is empty. */
function namesOf(option: string | undefined): readonly string[] {
  if (option === undefined) return [];
  const names = option.split(',');
  if (names.length > 1 && names.includes('')) {
    throw new FaultlineError('usage', `--experiment ${option}: one of its names is empty`, { hint: 'Such as `--experiment cool,hot`.' });
  }
  return names;
}
