/** Formats of one JSON object a line. Knows none of them: each says what a line holds. */
import type { ExportFormat, ExportSource } from './format.js';

/** The format whose lines are what `lines` gives; its files end in `.jsonl` unless it says otherwise. */
export function jsonLines(
  about: Pick<ExportFormat, 'name' | 'summary'> & Partial<Pick<ExportFormat, 'extension'>>,
  lines: (source: ExportSource) => Iterable<Readonly<Record<string, unknown>>>,
): ExportFormat {
  return {
    extension: 'jsonl',
    ...about,
    async write(source, write) {
      let count = 0;
      for (const line of lines(source)) {
        await write(`${JSON.stringify(line)}\n`);
        count++;
      }
      return count;
    },
  };
}
