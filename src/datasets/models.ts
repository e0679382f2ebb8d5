/**
 * The models that faultline knows by name, and the folder behind a name or path. Downloads nothing (`fetch-model.ts`
 * does) and loads nothing.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FaultlineError, nearest } from '../errors.js';
import { ggufFilesAt } from '../gguf.js';
import { bundledData, dataHome } from './home.js';

export interface ModelRow {
  readonly name: string;
  readonly summary: string;
  /** The repository on the Hugging Face hub; null for the bundled model. */
  readonly repository: string | null;
}

export const models: readonly ModelRow[] = [
  { name: 'pico-gpt2-py', summary: 'the bundled model: 5.9 million parameters, small Python functions', repository: null },
  { name: 'gpt2', summary: 'GPT-2, 124 million parameters', repository: 'openai-community/gpt2' },
  { name: 'gpt2-medium', summary: 'GPT-2, 355 million parameters', repository: 'openai-community/gpt2-medium' },
  { name: 'distilgpt2', summary: 'distilled GPT-2, 82 million parameters', repository: 'distilbert/distilgpt2' },
  {
    name: 'codeparrot/codeparrot-small',
    summary: 'GPT-2 trained on Python, 110 million parameters',
    repository: 'codeparrot/codeparrot-small',
  },
];

/** The hub repository that a name stands for: a known model's, or the name itself if it has the form `owner/name`. */
export function repositoryOf(name: string): string | null {
  const row = models.find((candidate) => candidate.name === name);
  if (row !== undefined) return row.repository;
  return /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/.test(name) && !name.includes('..') ? name : null;
}

/** Where a repository's files lie, or will lie once they have been fetched. */
export function modelFolder(repository: string, home?: string): string {
  return join(dataHome(home), 'models', ...repository.split('/'));
}

/** Every folder of the cache that `--model` finds by its name (`owner/name`), links whose target is gone included; sorted. */
export function fetchedModels(home?: string): { readonly name: string; readonly folder: string }[] {
  const root = join(dataHome(home), 'models');
  const below = (folder: string): string[] =>
    statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(folder).sort() : [];
  return below(root)
    .flatMap((owner) => below(join(root, owner)).map((name) => `${owner}/${name}`))
    .filter((name) => repositoryOf(name) !== null)
    .map((name) => ({ name, folder: modelFolder(name, home) }));
}

/** Whether a folder looks like a model's: it has a config.json, or it holds one GGUF file. */
export function isModelFolder(folder: string): boolean {
  return existsSync(join(folder, 'config.json')) || ggufFilesAt(folder).length === 1;
}

/**
 * The folder or GGUF file behind `--model`: a path that exists, the bundled model, or one that was fetched. Errors are
 * `input`, name what was looked for and where, and say how to get it.
 */
export function locateModel(nameOrFolder: string, home?: string): string {
  if (existsSync(nameOrFolder)) {
    if (statSync(nameOrFolder).isDirectory() || ggufFilesAt(nameOrFolder).length > 0) return nameOrFolder;
    throw new FaultlineError('input', 'neither a folder nor a .gguf file', {
      place: { file: nameOrFolder },
      hint: 'Give a GGUF file, or the folder that holds config.json, the weights and the tokenizer.',
    });
  }
  if (nameOrFolder.endsWith('.gguf')) {
    throw new FaultlineError('input', 'no such file', { place: { file: nameOrFolder }, hint: 'Check the path of the model.' });
  }
  const row = models.find((candidate) => candidate.name === nameOrFolder);
  if (row?.repository === null) return join(bundledData, 'models', row.name);
  const repository = repositoryOf(nameOrFolder);
  if (repository === null) {
    const names = models.map((candidate) => candidate.name);
    const near = nearest(nameOrFolder, names);
    throw new FaultlineError('input', 'no such model folder', {
      place: { file: nameOrFolder },
      hint:
        near.length > 0
          ? `Did you mean ${near.join(' or ')}?`
          : `Give a model folder, a .gguf file, an id of the Hugging Face hub, or one of ${names.join(', ')}.`,
    });
  }
  const folder = modelFolder(repository, home);
  if (isModelFolder(folder)) return folder;
  throw new FaultlineError('input', `no such folder, and the model ${repository} has not been fetched`, {
    place: { file: nameOrFolder },
    hint: `Run: faultline model fetch ${nameOrFolder}`,
  });
}
