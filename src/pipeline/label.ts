/**
 * Labelling a sheet line by line, and keeping it: every label is on disk before the next row is shown, so that a session may end at any moment
 * and go on later. The words are `reports/annotation/label-session.ts`'s; where lines come from is the caller's.
 */
import { basename, dirname, join } from 'node:path';
import type picocolors from 'picocolors';
import { FaultlineError } from '../errors.js';
import { LabelSession, type OpenRow } from '../reports/annotation/label-session.js';
import { rowText } from '../reports/annotation/row-text.js';
import { leafOfRow, readSheet, SHEET_COLUMNS } from '../reports/annotation/sheet.js';
import { csvTable } from '../reports/render/csv.js';
import { CATEGORIES } from '../taxonomy/categories.js';
import { readIfThere, readWhole, writeWhole } from './sheet-files.js';

export interface LabelRequest {
  /** The blind sheet, or one that this person has begun. */
  readonly sheet: string;
  /** Letters, digits, - and _: part of a file's name. */
  readonly annotator: string;
  /** Default: `<sheet>.<annotator>.csv` beside the sheet. */
  readonly output: string | undefined;
}

/** Who types and reads. */
export interface Conversation {
  /** Opened once the sheet has been read; ends the session where it ends. */
  lines(): AsyncIterable<string>;
  /** Shows text, and then waits for a line. */
  show(text: string): void;
  readonly colours: ReturnType<typeof picocolors.createColors>;
}

export interface Labelled {
  readonly file: string;
  readonly annotator: string;
  readonly rows: number;
  readonly labelled: number;
  /** Ids without a label. */
  readonly missing: readonly string[];
}

/**
 * Labels until the lines end, `q` or the last row. What was labelled before in the output goes on from there.
 * Throws `input` where a sheet is none, is of another draw, or holds somebody's labels already; `output` where a label cannot be saved, be it
 * that another session or a spreadsheet has written the file since.
 */
export async function labelSheet({ sheet: given, annotator, output }: LabelRequest, conversation: Conversation): Promise<Labelled> {
  if (!/^[\w-]{1,40}$/.test(annotator)) {
    throw new FaultlineError('usage', `--annotator must be of letters, digits, - and _, not ${annotator}`, {
      hint: 'It becomes part of a file name, such as `--annotator ann`.',
    });
  }
  const file = output ?? placeFor(given, annotator);
  const sheet = readSheet(await readWhole(given), given);
  let saved = await readIfThere(file);
  const earlier = saved === null ? null : readSheet(saved, file);
  if (earlier === null) {
    const labelled = sheet.rows.filter(({ label }) => label !== null).length;
    if (labelled > 0) {
      throw new FaultlineError('input', `holds ${labelled} labels already`, {
        place: { file: given },
        hint: 'Give the blind sheet; or go on with this very file by naming it with --output as well.',
      });
    }
  } else if (earlier.draw !== sheet.draw) {
    throw new FaultlineError('input', `is of draw ${earlier.draw}, and ${given} of ${sheet.draw}`, {
      place: { file },
      hint: 'Choose another file with --output, or give the sheet that this one was begun from.',
    });
  }
  const begun = earlier ?? sheet;
  const missing = SHEET_COLUMNS.filter((column) => !begun.table.columns.includes(column));
  if (missing.length > 0) {
    throw new FaultlineError('input', `has no column ${missing.join(', ')}`, {
      place: { file: begun.file, line: 1 },
      hint: 'Take the sheet as `faultline annotate draw` wrote it.',
    });
  }
  const { columns, rows } = begun.table;
  const open = begun.rows.map((row, index): OpenRow => ({
    id: row.id,
    leaf: leafOfRow(begun, row, CATEGORIES),
    note: rows[index]!.cells['note']!,
  }));
  const session = new LabelSession(open, CATEGORIES);
  const save = async (): Promise<void> => {
    const filled = rows.map(({ cells }, index) => {
      const { leaf, note } = open[index]!;
      const all = { ...cells, label: leaf?.name ?? '', note } as Readonly<Record<string, string>>;
      return columns.map((column) => (all[column] === '' ? null : all[column]!));
    });
    if ((await readIfThere(file)) !== saved) {
      throw new FaultlineError('output', 'was changed by something else in the meantime, and is left as it is now', {
        place: { file },
        hint: 'Close what else writes it, and run this again: the last label was not saved.',
      });
    }
    saved = csvTable(columns, filled);
    await writeWhole(file, saved);
  };
  // Before the first question: that the answers cannot be kept must not be found out after it.
  await save();
  const current = (): string => {
    const progress = `${session.at + 1} of ${open.length}, ${session.labelled} labelled`;
    return rowText({ row: session.current, cells: rows[session.at]!.cells, progress }, conversation.colours);
  };
  conversation.show(`${current()}\nname, code or words of a leaf; ? for help`);
  for await (const line of conversation.lines()) {
    const reply = session.input(line);
    if (reply.changed) await save();
    if (reply.ended) break;
    conversation.show(reply.shows ? current() : reply.text);
  }
  return {
    file,
    annotator,
    rows: open.length,
    labelled: session.labelled,
    missing: open.flatMap(({ id, leaf }) => (leaf === null ? [id] : [])),
  };
}

/** `blind.csv` becomes `blind.ann.csv`, and stays that. */
function placeFor(sheet: string, annotator: string): string {
  const stem = basename(sheet).replace(/\.csv$/i, '');
  return join(dirname(sheet), stem.endsWith(`.${annotator}`) ? basename(sheet) : `${stem}.${annotator}.csv`);
}
