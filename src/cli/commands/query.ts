/** `faultline query`: questions to the database in SQL, by a view's name, or by words of error messages. Reads only. */
import type { Command } from 'commander';
import { FaultlineError } from '../../errors.js';
import { visibleLine } from '../../reports/render/visible.js';
import { configOf, finishDefinition, type Options, outputOf, wholeNumberOf } from '../command.js';
import { addConfigFlags } from '../config-flags.js';

const ROWS = 100;

export function define(command: Command): void {
  command.argument('[sql]', 'One SELECT, or the name of a view; without any, the views and their columns');
  addConfigFlags(command, ['--outputs', '--db']);
  command.option('--search <words>', 'Instead: samples by words of their error types and messages; `ind*` is a beginning');
  command.option('--limit <n>', `Rows at most; default: ${ROWS}`);
  command.option('--csv', 'Print CSV, with a header');
  finishDefinition(command, {
    examples: [
      ['faultline query', 'the views there are'],
      ['faultline query category_counts', 'one of them'],
      ['faultline query --search "list index"', 'samples by their error messages'],
      ['faultline query "select task_id, count(*) from failures group by 1" --csv', 'a question of your own'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'internal'],
  });
  command.action(async (sql: string | undefined, options: Options) => {
    const { values } = configOf(undefined, options);
    const output = outputOf(options);
    const [{ Store }, { databasePath }, { textTable }] = await Promise.all([
      import('../../store/store.js'),
      import('../../pipeline/inputs.js'),
      import('../text-table.js'),
    ]);
    const words = options['search'];
    if (typeof words === 'string' && sql !== undefined) {
      throw new FaultlineError('usage', 'SQL and --search cannot be given together', { hint: 'Leave one of them out.' });
    }
    const most = wholeNumberOf('--limit', options['limit']) ?? ROWS;
    using store = Store.open(databasePath(values), { readonly: true });
    if (sql === undefined && typeof words !== 'string') {
      const views = store.views();
      output.result({ views }, () =>
        views
          .map(({ name, columns, broken }) => [name, `  ${broken === null ? columns.join(', ') : `(cannot be read: ${broken})`}`])
          .map((lines) => lines.map(visibleLine).join('\n'))
          .join('\n'),
      );
      return;
    }
    const answer = typeof words === 'string' ? store.search(words, most) : store.ask(sql!, most);
    if (answer.isCut) output.note(`there are more than ${most} rows: --limit shows more`);
    if (options['csv'] === true && !output.json) {
      const { csvTable } = await import('../../reports/render/csv.js');
      output.result(null, () => csvTable(answer.columns, answer.rows));
      return;
    }
    output.result(
      { columns: answer.columns, rows: answer.rows, complete: !answer.isCut },
      () => `${textTable(answer.columns, answer.rows)}${answer.rows.length === 0 ? '\n(no rows)' : ''}`,
    );
  });
}
