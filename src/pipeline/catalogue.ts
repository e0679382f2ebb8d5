/** Which data sets and models have names, and which of them are on this machine. Fetches nothing. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bundledData } from '../datasets/home.js';
import { fetchedModels, isModelFolder, modelFolder, models } from '../datasets/models.js';
import { datasetPath } from '../datasets/problems.js';
import { datasets } from '../datasets/registry.js';

export interface DatasetListing {
  readonly name: string;
  readonly summary: string;
  readonly problems: number;
  readonly licence: string;
  readonly homepage: string;
  readonly path: string;
  readonly present: boolean;
}

export function listDatasets(): DatasetListing[] {
  return datasets.map((row) => {
    const { name, summary, problems, licence, homepage } = row;
    const path = datasetPath(row);
    return { name, summary, problems, licence, homepage, path, present: existsSync(path) };
  });
}

export interface ModelListing {
  readonly name: string;
  readonly summary: string;
  readonly folder: string;
  readonly present: boolean;
}

/** The models with names of their own, then what was fetched or linked beside them. */
export function listModels(): ModelListing[] {
  const named = models.map(({ name, summary, repository }) => {
    const folder = repository === null ? join(bundledData, 'models', name) : modelFolder(repository);
    return { name, summary, folder, present: isModelFolder(folder) };
  });
  const listed = new Set(named.map(({ folder }) => folder));
  const others = fetchedModels().filter(({ folder }) => !listed.has(folder));
  return [
    ...named,
    ...others.map(({ name, folder }) => {
      const present = isModelFolder(folder);
      return { name, summary: name.startsWith('local/') ? 'a folder of your own' : 'from the Hugging Face hub', folder, present };
    }),
  ];
}
