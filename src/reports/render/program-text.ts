/** A program as a terminal lists it: numbered lines, the prompt's part dim, the failing line marked. Its text is hostile, and comes out harmless. */
import type picocolors from 'picocolors';
import { programLines } from './program-lines.js';
import { shorten, visibleLine } from './visible.js';

/** Lines of a listing are cut there. */
export const MOST_CHARACTERS = 200;

/** One text a line; behind the failing one a line with a caret, where the column is known and within sight. Both count from 1. */
export function programText(
  { prompt, completion }: { readonly prompt: string; readonly completion: string },
  at: { readonly line: number; readonly column: number | null } | null,
  colours: ReturnType<typeof picocolors.createColors>,
): string[] {
  const { lines, failing } = programLines(prompt, completion, at?.line ?? null);
  const width = String(lines.length).length;
  const shown = (text: string): string => shorten(visibleLine(text), MOST_CHARACTERS);
  return lines.flatMap((line) => {
    const isFailing = line.number === failing;
    const text = colours.dim(shown(line.prompt)) + (isFailing ? colours.red(shown(line.completion)) : shown(line.completion));
    const numbered = `${isFailing ? colours.red('>') : ' '} ${colours.dim(String(line.number).padStart(width))}  ${text}`.trimEnd();
    const column = at?.column ?? null;
    const fits = isFailing && column !== null && column <= Math.min(MOST_CHARACTERS, (line.prompt + line.completion).length + 1);
    return fits ? [numbered, colours.red(`${' '.repeat(width + 3 + column)}^`)] : [numbered];
  });
}
