/** What can be said about experiments that are stored: reads the database, and changes nothing in it. */
import type { ConfigValues } from '../config/schema.js';
import type { ReportData } from '../reports/report-data.js';
import { Store } from '../store/store.js';
import { databasePath } from './inputs.js';
import { chooseExperiment, outputFolder, summariseExperiment, writeOutputs } from './report.js';

/** The numbers of one experiment; the newest without a name. */
export function analyzeStored(values: ConfigValues, nameOrHash: string | undefined): ReportData {
  using store = Store.open(databasePath(values), { readonly: true });
  return summariseExperiment(store, chooseExperiment(store, nameOrHash));
}

/** Writes the report and the samples of one experiment into its folder (`outputFolder`); the newest without a name. */
export async function reportStored(
  values: ConfigValues,
  nameOrHash: string | undefined,
): Promise<{ report: ReportData; directory: string; files: readonly string[] }> {
  using store = Store.open(databasePath(values), { readonly: true });
  const experiment = chooseExperiment(store, nameOrHash);
  const report = summariseExperiment(store, experiment);
  const directory = outputFolder(store, values, experiment);
  return { report, directory, files: await writeOutputs(store, experiment, report, directory) };
}
