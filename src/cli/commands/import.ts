/** `faultline import`: samples that were made elsewhere, judged and named as an experiment of their own. */
import type { Command } from 'commander';
import { configFile } from '../../pipeline/bundled.js';
import { plural, whole } from '../../reports/render/format.js';
import { configOf, finishDefinition, type Options, outputOf, withInterrupt } from '../command.js';
import { addConfigFlags, EXECUTION_FLAGS } from '../config-flags.js';
import { noteUnsupported, reportUnjudged } from '../unjudged.js';

/** Contradicted claims that are named; the others are counted. */
const NAMED = 5;

export function define(command: Command): void {
  command.argument('<samples>', "One JSON object a line with task_id and completion, or evalplus's solution; results files of both too");
  command.option('--config <file>', 'YAML file or ready config with limits, categories and sandbox settings; default: none');
  addConfigFlags(command, ['--problems', '--template', '--seed', '--experiment', ...EXECUTION_FLAGS, '--outputs', '--db']);
  finishDefinition(command, {
    examples: [
      ['faultline import samples.jsonl --problems humaneval --experiment starcoder', "any model's completions of HumanEval"],
      ['faultline import samples.jsonl_results.jsonl --problems humaneval', 'a results file: says where its `passed` differs from ours'],
      ['faultline diff starcoder gpt2-humaneval', 'then: beside an experiment of our own'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'environment', 'output', 'infrastructure', 'interrupted', 'internal'],
  });
  command.action(async (samples: string, { config: file, ...options }: Options) => {
    const config = configOf(typeof file === 'string' ? configFile(file) : undefined, options);
    const output = outputOf(options);
    const { importSamples } = await import('../../pipeline/import.js');
    const result = await withInterrupt((context) => importSamples(config, { ...context, samples }));
    const { made, contradicted } = result.claims;
    if (made > 0) {
      const named = contradicted
        .slice(0, NAMED)
        .map((each) => `${each.taskId} ${each.sampleIndex} (${each.claimed ? 'passed' : 'failed'} there)`);
      const more = contradicted.length > NAMED ? ' ...' : '';
      const which = contradicted.length === 0 ? '' : `: ${named.join(', ')}${more}`;
      output.note(
        `${plural(made, 'line')} ${made === 1 ? 'says whether it' : 'say whether they'} passed; ${whole(contradicted.length)} came out otherwise here${which}`,
      );
      // A line tells no version: other verdicts are all that shows of it.
      if (contradicted.length > 0) {
        output.note(
          'another version of the problems, another Python or other limits may have judged them: name that problem file with --problems',
        );
      }
    }
    const [{ renderSummary }, { reportJson }] = await Promise.all([import('../summary.js'), import('../../reports/render/json.js')]);
    const { report, ...rest } = result;
    output.result({ ...rest, experiment: result.experiment.name, hash: result.experiment.hash, report: reportJson(report) }, () =>
      renderSummary(report, { directory: result.directory }),
    );
    noteUnsupported(result.unsupported, output);
    reportUnjudged(result.unjudged, output);
  });
}
