/**
 * Where a command prints: results on stdout, everything else on stderr. With `--json` stdout carries exactly one JSON
 * document, and nothing else. Formats no result itself.
 */
import { FaultlineError, reasonOf } from '../errors.js';
import { coloursOf } from './colours.js';

export interface Output {
  readonly json: boolean;
  /** Prints the command's result: `document` with `--json`, else `human()`. Called once, at the end. */
  result(document: unknown, human: () => string): void;
  /** A message about the work, on stderr. */
  note(line: string): void;
}

export function createOutput(json: boolean): Output {
  return {
    json,
    result: (document, human) => {
      const text = json ? JSON.stringify(document, jsonValue, 2) : human();
      if (text !== '') process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
    },
    note: (line) => {
      process.stderr.write(`${line}\n`);
    },
  };
}

/** 64-bit integers become decimal text, as JSON's numbers cannot hold them everywhere. */
function jsonValue(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

/** `error: <place>: <reason>` and `hint: <next step>`, one line each. A stack only with FAULTLINE_DEBUG=1. */
export function describeError(thrown: unknown, debug: boolean): string {
  const colour = coloursOf(process.stderr);
  const lines = [`${colour.red('error:')} ${oneLine(reasonOf(thrown))}`];
  if (thrown instanceof FaultlineError) {
    if (thrown.hint !== undefined) lines.push(`${colour.cyan('hint:')} ${oneLine(thrown.hint)}`);
  } else {
    lines.push(
      `${colour.cyan('hint:')} This is a fault of faultline; run it again with FAULTLINE_DEBUG=1 for the details and report them.`,
    );
  }
  if (debug && thrown instanceof Error && thrown.stack !== undefined) lines.push(thrown.stack);
  return `${lines.join('\n')}\n`;
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ');
}
