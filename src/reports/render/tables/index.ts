/** The tables of a report: one file each, one row here. Each becomes a CSV and a LaTeX file in `outputs/<experiment>/tables/`. */
import { categoriesTable } from './categories.js';
import { disagreementsTable } from './disagreements.js';
import { finishReasonsTable } from './finish-reasons.js';
import { outcomesTable } from './outcomes.js';
import { parametersTable } from './parameters.js';
import { passAtKTable } from './pass-at-k.js';
import { problemsTable } from './problems.js';
import { programsTable } from './programs.js';
import type { ReportTable } from './table.js';
import { textViewTable } from './text-view.js';
import { toldTable } from './told.js';

export const TABLES: readonly ReportTable[] = [
  outcomesTable,
  categoriesTable,
  problemsTable,
  passAtKTable,
  textViewTable,
  toldTable,
  disagreementsTable,
  programsTable,
  finishReasonsTable,
  parametersTable,
];
