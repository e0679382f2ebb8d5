/** Samples with their verdicts as CSV, without the programs: the file `samples.csv` of a report. */
import { samplesCsv } from '../render/csv.js';
import type { ExportFormat } from './format.js';

export const csv: ExportFormat = {
  name: 'csv',
  summary: 'one row a judged sample, without its program, for spreadsheets and pandas',
  extension: 'csv',
  async write(source, write) {
    let lines = 0;
    for (const line of samplesCsv(source.judged())) {
      await write(line);
      lines++;
    }
    return lines - 1;
  },
};
