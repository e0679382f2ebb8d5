/** A program's text by lines, as Python counts them. Knows nothing of failures. */
import type { Evidence } from './types.js';

/** A line's place in the program: UTF-16 indices, the line break not included. */
export interface Line {
  readonly start: number;
  readonly end: number;
}

/** What is executed: the prompt and what follows it. */
export function programOf({ prompt, completion }: Pick<Evidence, 'prompt' | 'completion'>): string {
  return prompt + completion;
}

/** Every line, the last one too where it is empty. A form feed ends no line. */
export function linesOf(program: string): Line[] {
  const lines: Line[] = [];
  let start = 0;
  for (const { 0: lineBreak, index } of program.matchAll(/\r\n|\r|\n/g)) {
    lines.push({ start, end: index });
    start = index + lineBreak.length;
  }
  lines.push({ start, end: program.length });
  return lines;
}

/** How many lines hold more than white space. */
export function writtenLines(text: string): number {
  return linesOf(text).filter(({ start, end }) => text.slice(start, end).trim() !== '').length;
}
