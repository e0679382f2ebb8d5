/** What a config names, found and loaded: problems and paths. Models are loaded by `generate.ts`, as they hold memory. */
import { join } from 'node:path';
import type { ConfigValues } from '../config/schema.js';
import type { ProblemSet } from '../datasets/problem.js';
import { loadProblems } from '../datasets/problems.js';

/** The problems that a config asks for. Throws FaultlineError with file, line and column. */
export function problemsOf(values: ConfigValues): Promise<ProblemSet> {
  const count = values['problems.count'];
  return loadProblems(values['problems.path'], { template: values['problems.template'], ...(count === null ? {} : { count }) });
}

/** The database of a config. */
export function databasePath(values: ConfigValues): string {
  return values['outputs.database'] ?? join(values['outputs.directory'], 'faultline.db');
}
