/** A key and the sheets that people filled in, from files to numbers. The numbers are `reports/annotation/score.ts`'s. */
import { realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import { FaultlineError } from '../errors.js';
import { score, type Labels, type Score } from '../reports/annotation/score.js';
import { leafOfRow, readKey, readSheet, type Key } from '../reports/annotation/sheet.js';
import { CATEGORIES } from '../taxonomy/categories.js';
import { readWhole } from './sheet-files.js';

export interface Scored extends Score {
  readonly draw: string;
  readonly failures: number;
}

/**
 * Scores one or two sheets against the key. Throws `input`, with file and line, for unknown labels, ids that the key lacks, ids that come
 * twice, and sheets of another draw; `usage` where both are one file. Rows without a label are no error: they are counted and named.
 */
export async function scoreSheets(keyFile: string, sheetFiles: readonly [string] | readonly [string, string]): Promise<Scored> {
  const key = readKey(await readWhole(keyFile), keyFile, CATEGORIES);
  const [first, second] = sheetFiles;
  if (second !== undefined && (await realpath(first).catch(() => first)) === (await realpath(second).catch(() => second))) {
    throw new FaultlineError('usage', `${second} was given twice`, { hint: 'Give the sheets of two people, or one alone.' });
  }
  const people: Labels[] = [];
  for (const file of sheetFiles) people.push({ annotator: annotatorOf(file, sheetFiles), codes: await labelsOf(file, key) });
  const order = CATEGORIES.map(({ code }) => code);
  const sizes = new Map(key.rows.map(({ code, stratumSamples }) => [code, stratumSamples]));
  return { draw: key.draw, failures: [...sizes.values()].reduce((sum, size) => sum + size, 0), ...score(key.rows, people, order) };
}

async function labelsOf(file: string, key: Key): Promise<Map<string, string>> {
  const sheet = readSheet(await readWhole(file), file);
  if (sheet.draw !== key.draw) {
    throw new FaultlineError('input', `is of draw ${sheet.draw}, and the key ${key.file} of ${key.draw}`, {
      place: { file },
      hint: 'Give the key that was drawn with this sheet.',
    });
  }
  const known = new Set(key.rows.map(({ id }) => id));
  const codes = new Map<string, string>();
  for (const row of sheet.rows) {
    if (!known.has(row.id)) {
      throw new FaultlineError('input', `the key has no row ${JSON.stringify(row.id)}`, {
        place: { file, line: row.line },
        hint: `Its rows are ${key.rows[0]!.id} to ${key.rows.at(-1)!.id}: take out what was added.`,
      });
    }
    const leaf = leafOfRow(sheet, row, CATEGORIES);
    if (leaf !== null) codes.set(row.id, leaf.code);
  }
  return codes;
}

/** `blind.ann.csv` is ann's; where two would be called alike, or like the classifier, the files as they were given. */
function annotatorOf(file: string, all: readonly string[]): string {
  const name = (of: string): string =>
    basename(of)
      .replace(/\.csv$/i, '')
      .split('.')
      .at(-1)!;
  const taken = new Set(['', 'classifier', 'both', ...all.filter((other) => other !== file).map(name)]);
  return taken.has(name(file)) ? file : name(file);
}
