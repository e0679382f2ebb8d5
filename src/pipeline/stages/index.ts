/**
 * The stages of `faultline run`: one row each, in the order in which they run. The row feeds the command line, the order, the errors
 * and the documentation; a new stage is one file beside this one, and one row here. Loads none of them.
 */
import { FaultlineError, nearest } from '../../errors.js';
import type { StageRow } from './stage.js';

export const STAGES: readonly StageRow[] = [
  {
    name: 'generate',
    summary: 'draw the samples',
    needs: [],
    makes: 'samples',
    done: 'a sample of that problem and index is stored',
    beside: false,
    stores: true,
    load: () => import('./generate.js'),
  },
  {
    name: 'execute',
    summary: 'run each sample in the sandbox and name its failure',
    needs: ['generate'],
    makes: 'verdicts',
    done: 'the sample has a verdict that is not `infra`',
    beside: true,
    stores: true,
    load: () => import('./execute.js'),
  },
  {
    name: 'classify',
    summary: 'decide again about stored verdicts, by the present rules and categories',
    needs: ['execute'],
    makes: 'decisions',
    done: 'deciding again changes nothing',
    beside: false,
    stores: true,
    load: () => import('./classify.js'),
  },
  {
    name: 'measure',
    summary: "compare each sample's text with the canonical solution",
    needs: ['generate'],
    makes: 'text measures',
    done: "the sample's text measures are stored",
    beside: false,
    stores: true,
    load: () => import('./measure.js'),
  },
  {
    name: 'report',
    summary: 'write tables, figures, page and samples',
    needs: ['classify'],
    makes: 'files',
    done: 'never, it is written again, each file whole or not at all',
    beside: false,
    stores: false,
    load: () => import('./report.js'),
  },
];

/** What `--only` and `--from` ask for; both absent: everything. */
export interface Choice {
  /** Names, separated by commas. */
  readonly only?: string | undefined;
  readonly from?: string | undefined;
}

/** The stages to run, in the table's order. Throws `usage` for an unknown name, with all there are, and where both are given. */
export function chooseStages({ only, from }: Choice): readonly StageRow[] {
  if (only !== undefined && from !== undefined) {
    throw new FaultlineError('usage', '--only and --from are two ways to choose the stages', { hint: 'Give one of the two.' });
  }
  if (from !== undefined) return STAGES.slice(STAGES.indexOf(stageOf('--from', from)));
  if (only === undefined) return STAGES;
  const chosen = only.split(',').map((name) => stageOf('--only', name.trim()));
  return STAGES.filter((row) => chosen.includes(row));
}

/** The row of a name that the table itself uses. */
export function rowOf(name: string): StageRow {
  const row = STAGES.find((each) => each.name === name);
  if (row === undefined) throw new FaultlineError('internal', `the table of stages has no ${name}`);
  return row;
}

function stageOf(flag: string, name: string): StageRow {
  const row = STAGES.find((each) => each.name === name);
  if (row !== undefined) return row;
  const names = STAGES.map((each) => each.name);
  const near = nearest(name, names);
  throw new FaultlineError('usage', `${flag}: there is no stage ${JSON.stringify(name)}`, {
    hint: `${near.length > 0 ? `Did you mean ${near.join(' or ')}? ` : ''}Stages are ${names.join(', ')}.`,
  });
}
