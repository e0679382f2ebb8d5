/** The formats that samples can be exported in: one row each. */
import { csv } from './csv.js';
import { evalplus } from './evalplus.js';
import { evalplusResults } from './evalplus-results.js';
import type { ExportFormat } from './format.js';
import { humaneval } from './humaneval.js';
import { humanevalResults } from './humaneval-results.js';
import { parquet } from './parquet.js';
import { tokenIndex } from './token-index.js';

export const EXPORT_FORMATS: readonly ExportFormat[] = [humaneval, humanevalResults, evalplus, evalplusResults, csv, parquet, tokenIndex];
