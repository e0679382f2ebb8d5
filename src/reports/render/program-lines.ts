/** A program's lines as a listing shows them: which part is the prompt's, and which line failed. Knows no markup. */

export interface ProgramLine {
  /** From 1, in prompt + completion. */
  readonly number: number;
  readonly prompt: string;
  readonly completion: string;
}

/** The lines, and the number of the failing one, where there is one, as it stands among them. */
export function programLines(
  prompt: string,
  completion: string,
  failingLine: number | null,
): { readonly lines: readonly ProgramLine[]; readonly failing: number | null } {
  const lines = linesOf(prompt, completion);
  // A syntax error at the end of the file points past the last line.
  const failing = failingLine === null ? null : Math.min(Math.max(failingLine, 1), lines.length);
  // The empty line after a final newline is no line, unless the failure is there.
  if (lines.length > 1 && lines.at(-1)!.prompt + lines.at(-1)!.completion === '' && failing !== lines.length) lines.pop();
  return { lines, failing };
}

/** Lines as Python counts them: ended by \n, \r\n or \r, and by nothing else. */
function linesOf(prompt: string, completion: string): ProgramLine[] {
  const lines: ProgramLine[] = [];
  let start = 0;
  const program = prompt + completion;
  const boundary = prompt.length;
  const add = (end: number): void => {
    lines.push({
      number: lines.length + 1,
      prompt: program.slice(start, Math.max(start, Math.min(end, boundary))),
      completion: program.slice(Math.max(start, Math.min(end, boundary)), end),
    });
  };
  for (const ending of program.matchAll(/\r\n|\r|\n/g)) {
    add(ending.index);
    start = ending.index + ending[0].length;
  }
  add(program.length);
  return lines;
}
