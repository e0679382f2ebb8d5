/** What a config names, found and loaded: problems and paths. Models are loaded by `generate.ts`, as they hold memory. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/load.js';
import { atEntry, entryError } from '../config/origin-errors.js';
import type { ConfigValues } from '../config/schema.js';
import type { ProblemSet } from '../datasets/problem.js';
import { locateModel } from '../datasets/models.js';
import { loadProblems } from '../datasets/problems.js';

/** The problems that a config asks for. Throws FaultlineError with file, line and column. */
export async function problemsOf(config: Config): Promise<ProblemSet> {
  const { values, origins } = config;
  const all = await atEntry(config, 'problems.path', () =>
    loadProblems(values['problems.path'], { template: values['problems.template'] }),
  );
  const count = values['problems.count'];
  if (count === null) return all;
  const there = all.problems.length;
  if (count > there) {
    throw entryError(origins['problems.count'], 'problems.count', `${count} problems were asked for, ${all.path} has ${there}`, {
      hint: `Ask for 1 to ${there}, or leave the number out for all.`,
    });
  }
  return { ...all, problems: all.problems.slice(0, count) };
}

/** The folder of a config's model. Throws FaultlineError (`input`) that says where the model was asked for. */
export function modelFolderOf(config: Config): Promise<string> {
  return atEntry(config, 'model.path', () => locateModel(config.values['model.path']));
}

/** The files of a config's model, and whatever else is in its folder: what an output must not replace. Throws as {@link modelFolderOf} does. */
export async function modelFilesOf(config: Config): Promise<string[]> {
  const model = await modelFolderOf(config);
  return statSync(model).isDirectory() ? readdirSync(model).map((name) => join(model, name)) : [model];
}

/** The database of a config. */
export function databasePath(values: ConfigValues): string {
  return values['outputs.database'] ?? join(values['outputs.directory'], 'faultline.db');
}
