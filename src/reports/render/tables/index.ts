/**
 * The tables of a report, and those of a comparison of strategies: one file each, one row here. Each becomes a CSV and a LaTeX file in
 * `outputs/<experiment>/tables/`.
 */
import type { StrategyComparison } from '../../strategy-comparison.js';
import { categoriesTable } from './categories.js';
import { categoryPairsTable } from './category-pairs.js';
import { categoryTagsTable } from './category-tags.js';
import { disagreementsTable } from './disagreements.js';
import { distributionTable } from './distribution.js';
import { failurePositionTable } from './failure-position.js';
import { finishReasonsTable } from './finish-reasons.js';
import { firstDivergenceTable } from './first-divergence.js';
import { hiddenAssertionsTable } from './hidden-assertions.js';
import { outcomesTable } from './outcomes.js';
import { parametersTable } from './parameters.js';
import { passAtKTable } from './pass-at-k.js';
import { problemsTable } from './problems.js';
import { programsTable } from './programs.js';
import { strategiesTable } from './strategies.js';
import { strategyFailuresTable } from './strategy-failures.js';
import { strategyProgramsTable } from './strategy-programs.js';
import { strategyTestsTable } from './strategy-tests.js';
import type { ReportTable } from './table.js';
import { textViewBestTable } from './text-view-best.js';
import { textViewTable } from './text-view.js';
import { toldTable } from './told.js';

export const TABLES: readonly ReportTable[] = [
  outcomesTable,
  categoriesTable,
  problemsTable,
  passAtKTable,
  hiddenAssertionsTable,
  programsTable,
  distributionTable('difficulty'),
  distributionTable('length'),
  categoryTagsTable,
  categoryPairsTable,
  failurePositionTable,
  firstDivergenceTable,
  textViewTable,
  textViewBestTable,
  toldTable,
  disagreementsTable,
  finishReasonsTable,
  parametersTable,
];

export const STRATEGY_TABLES: readonly ReportTable<StrategyComparison>[] = [
  strategiesTable,
  strategyProgramsTable,
  strategyFailuresTable,
  strategyTestsTable,
];
