/** `faultline merge`: databases of one experiment, made by shards, as one. */
import type { Command } from 'commander';
import { showShard } from '../../config/shard.js';
import { finishDefinition, type Options, outputOf, textOf, withInterrupt } from '../command.js';

export function define(command: Command): void {
  command.argument('<databases...>', 'Databases that hold parts of one experiment, overlapping or not');
  command.requiredOption('--output <file>', 'Database to write: a new one, or one that the others are added to');
  command.option('--experiment <name>', 'Name, hash or beginning of a hash; default: all, which must be the same everywhere');
  finishDefinition(command, {
    examples: [
      ['faultline merge a.db b.db --output study.db', 'two shards as one experiment'],
      ['faultline merge part*.db --output study.db --experiment gpt2-humaneval', 'one experiment of several'],
      ['faultline report --db study.db', 'then: its report'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'environment', 'output', 'interrupted', 'internal'],
  });
  command.action(async (databases: string[], options: Options) => {
    const output = outputOf(options);
    const file = String(options['output']);
    const { mergeDatabases } = await import('../../pipeline/merge.js');
    const { experiment } = options;
    const merged = await withInterrupt((context) =>
      mergeDatabases(databases, { ...context, output: file, experiment: textOf(experiment) }),
    );
    output.result({ output: file, experiments: merged.map((each) => ({ ...each, shards: each.shards.map(showShard) })) }, () =>
      merged
        .map(({ experiment: name, samples, whole }) => `${name}: ${samples}${whole === null ? '' : ` of ${whole}`} samples in ${file}`)
        .join('\n'),
    );
  });
}
