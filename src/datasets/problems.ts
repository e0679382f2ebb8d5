/** Loads problem files, by path or by a dataset's name. Knows no format: `registry.ts` lists them. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { FaultlineError, nearest } from '../errors.js';
import { bundledData, dataHome } from './home.js';
import { lineError, readJsonlWithHash } from './jsonl.js';
import { looksLikeMbpp } from './mbpp.js';
import type { Problem, ProblemSet } from './problem.js';
import { datasets, loaders, type DatasetRow, type LoadOptions } from './registry.js';

export interface LoadProblemsOptions extends LoadOptions {
  /** Only the first so many problems; all without. More than there are is an error. */
  readonly count?: number;
  /** The cache folder that names are looked up in; default: `dataHome()`. */
  readonly home?: string;
}

/**
 * Loads problems from a `.jsonl` or `.jsonl.gz` file, or from a dataset that is bundled (`pico-tasks`) or was fetched
 * (`humaneval`, `mbpp`). A file is in MBPP's format if its lines have `code` and `test_list`, else in HumanEval's.
 *
 * The whole file is checked whatever `count` says, and `hash` is that of the whole file. Errors are `input` with file,
 * line and column: broken JSON, a missing or wrong field, a task_id that was there before, no problem at all.
 */
export async function loadProblems(nameOrPath: string, options: LoadProblemsOptions = {}): Promise<ProblemSet> {
  const { path, row } = locateProblems(nameOrPath, options.home);
  const { lines, hash } = await readJsonlWithHash(path);

  const problems: Problem[] = [];
  const lineOf = new Map<string, number>();
  for (const line of lines) {
    const loader = row?.loader ?? (looksLikeMbpp(line) ? loaders.mbpp : loaders.humaneval);
    const problem = loader(line, options);
    const earlier = lineOf.get(problem.taskId);
    if (earlier !== undefined) {
      throw lineError(line, `task_id ${JSON.stringify(problem.taskId)} is already on line ${earlier}`, {
        field: 'task_id',
        hint: 'Give every problem a task_id of its own.',
      });
    }
    lineOf.set(problem.taskId, line.line);
    problems.push(problem);
  }
  if (problems.length === 0)
    throw new FaultlineError('input', 'the file holds no problem', {
      place: { file: path },
      hint: 'Give a file with one JSON object per line.',
    });
  if (options.count !== undefined && (!Number.isInteger(options.count) || options.count < 1 || options.count > problems.length)) {
    throw new FaultlineError('usage', `${options.count} problems were asked for, ${path} has ${problems.length}`, {
      hint: `Ask for 1 to ${problems.length}, or leave the number out for all.`,
    });
  }
  return { name: row?.name ?? basename(path).replace(/\.jsonl(\.gz)?$/, ''), path, hash, problems: problems.slice(0, options.count) };
}

/** The file behind a path or a dataset's name. A file that exists wins over a name. */
export function locateProblems(nameOrPath: string, home?: string): { path: string; row: DatasetRow | null } {
  if (existsSync(nameOrPath)) return { path: nameOrPath, row: null };
  const row = datasets.find((candidate) => candidate.name === nameOrPath.toLowerCase());
  if (row === undefined) {
    if (/[/\\]|\.jsonl(\.gz)?$/.test(nameOrPath))
      throw new FaultlineError('input', 'no such file', { place: { file: nameOrPath }, hint: 'Check the path.' });
    const names = datasets.map((candidate) => candidate.name);
    const near = nearest(nameOrPath, names);
    throw new FaultlineError('input', `no problem file and no dataset is called ${JSON.stringify(nameOrPath)}`, {
      hint: near.length > 0 ? `Did you mean ${near.join(' or ')}?` : `Give a .jsonl file, or one of ${names.join(', ')}.`,
    });
  }
  const path = datasetPath(row, home);
  if (existsSync(path)) return { path, row };
  throw new FaultlineError('input', `the dataset ${row.name} has not been fetched`, {
    place: { file: path },
    hint: `Run: faultline data fetch ${row.name}`,
  });
}

/** Where a dataset's file lies, or will lie once it has been fetched. */
export function datasetPath(row: DatasetRow, home?: string): string {
  return row.url === null ? join(bundledData, row.file) : join(dataHome(home), 'datasets', row.file);
}
