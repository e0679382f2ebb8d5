/** `faultline export`: samples of a stored experiment in a format that other programs read. */
import { Option, type Command } from 'commander';
import { EXPORT_FORMATS } from '../../reports/export/index.js';
import { addExperimentFlag, configOf, finishDefinition, type Options, outputOf, textOf, withInterrupt } from '../command.js';
import { addConfigFlags } from '../config-flags.js';

export function define(command: Command): void {
  addConfigFlags(command, ['--outputs', '--db']);
  addExperimentFlag(command);
  command.addOption(
    new Option('--format <name>', 'One of those below').choices(EXPORT_FORMATS.map(({ name }) => name)).makeOptionMandatory(),
  );
  command.option('--output <file>', "Default: the experiment's name with the format's extension, here");
  const width = Math.max(...EXPORT_FORMATS.map(({ name }) => name.length));
  command.addHelpText(
    'after',
    `\nFormats:\n${EXPORT_FORMATS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join('\n')}`,
  );
  finishDefinition(command, {
    examples: [
      ['faultline export --format parquet', 'the newest experiment, for DuckDB, Polars or pandas'],
      ['faultline export --format evalplus --experiment gpt2-humaneval --output samples.jsonl', 'for evalplus.evaluate'],
      ['faultline export --format humaneval-results --output samples.jsonl_results.jsonl', 'verdicts as its checker writes them'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'output', 'interrupted', 'internal'],
  });
  command.action(async ({ experiment, format, output: file, ...options }: Options) => {
    const { values } = configOf(undefined, options);
    const output = outputOf(options);
    const [{ exportStored }, { plural }] = await Promise.all([
      import('../../pipeline/export.js'),
      import('../../reports/render/format.js'),
    ]);
    const written = await withInterrupt((context) =>
      exportStored(values, { ...context, experiment: textOf(experiment), format: String(format), output: textOf(file) }),
    );
    output.result(written, () => `${plural(written.samples, 'sample')} in ${written.file}`);
  });
}
