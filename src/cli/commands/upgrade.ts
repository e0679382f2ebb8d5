/** `faultline upgrade`: a database of an older version in the present schema, with all that it holds. */
import type { Command } from 'commander';
import { finishDefinition, type Options, outputOf } from '../command.js';

export function define(command: Command): void {
  command.argument('<database>', 'Database that an older faultline made; it is changed in place, and begins no experiment');
  finishDefinition(command, {
    examples: [
      ['faultline upgrade study.db', 'so that report, analyze, query, show, export and merge read it'],
      ['faultline analyze --db study.db', 'then: what needed it'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'output', 'internal'],
  });
  command.action(async (database: string, options: Options) => {
    const output = outputOf(options);
    const { upgradeDatabase } = await import('../../store/database.js');
    const { from, to } = upgradeDatabase(database);
    output.result({ database, from, to }, () =>
      from === to ? `${database}: has schema version ${to}, nothing is to do` : `${database}: schema version ${to}, from ${from}`,
    );
  });
}
