/** `faultline execute`: judges the samples of a file, and names each failure. */
import type { Command } from 'commander';
import { configFile } from '../../pipeline/bundled.js';
import { configOf, finishDefinition, outputOf, withInterrupt, type Options } from '../command.js';
import { addConfigFlags, EXECUTION_FLAGS } from '../config-flags.js';
import { noteUnsupported, reportUnjudged } from '../unjudged.js';

export function define(command: Command): void {
  command.argument('[config]', 'YAML file or ready config with limits, categories and sandbox settings; default: none');
  addConfigFlags(command, ['--problems', '--template', '--seed', ...EXECUTION_FLAGS]);
  command
    .requiredOption('--samples <file>', 'Samples to judge: one JSON object a line with task_id and completion, or solution')
    .requiredOption('--out <file>', 'File to write: the same lines with passed, result, outcome, the category and what it rests on');
  finishDefinition(command, {
    examples: [
      ['faultline execute --problems humaneval --samples samples.jsonl --out verdicts.jsonl', 'any HumanEval-style samples'],
      ['faultline execute --problems mine.jsonl --samples s.jsonl --out v.jsonl --workers 2', 'problems of your own'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'environment', 'output', 'infrastructure', 'interrupted', 'internal'],
  });
  command.action(async (file: string | undefined, options: Options) => {
    const { samples, ...rest } = options;
    const config = configOf(file === undefined ? undefined : configFile(file), rest);
    const output = outputOf(options);
    const out = String(options['out']);
    const { executeFile } = await import('../../pipeline/execute-file.js');
    const result = await withInterrupt((context) => executeFile(config, { ...context, samples: String(samples), out }));
    const { judged, passed, samples: all } = result;
    output.result(result, () => `${passed} of ${judged} ${judged === all ? 'samples' : 'judged samples'} passed; verdicts in ${out}`);
    noteUnsupported(result.unsupported, output);
    reportUnjudged(result.unjudged, output);
  });
}
