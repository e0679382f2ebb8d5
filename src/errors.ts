/**
 * Errors that a user can see, and the exit codes they end with. Knows nothing of any other part.
 *
 * Every error a user can cause is a {@link FaultlineError}: one line that names the place (file, line, column,
 * tensor, flag) and the reason, plus a hint with the next step. Anything else that reaches the top is a fault of ours.
 */

/** Exit codes of the command line, documented in README.md. One number, one meaning. */
export const ExitCode = {
  ok: 0,
  /** A fault of faultline itself. */
  internal: 1,
  /** A wrong flag, argument or config entry. */
  usage: 2,
  /** A file that was given is missing, truncated or malformed. */
  input: 3,
  /** This machine lacks something: an interpreter, isolation, the addon, the network. */
  environment: 4,
  /** An output cannot be written. */
  output: 5,
  /** The run stopped because the sandbox failed three times in a row for reasons outside the samples. */
  infrastructure: 6,
  /** Stopped by Ctrl-C (128 + SIGINT); the message says what is kept. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Where in a user's input an error was found. Lines and columns count from 1. */
export interface Place {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

export type ErrorKind = Exclude<keyof typeof ExitCode, 'ok'>;

/** An error with a place, a reason and a next step. `message` is complete without the other fields. */
export class FaultlineError extends Error {
  override readonly name = 'FaultlineError';
  readonly kind: ErrorKind;
  /** The next step, as a full sentence. */
  readonly hint: string | undefined;
  readonly place: Place;

  constructor(kind: ErrorKind, reason: string, options: { hint?: string; place?: Place; cause?: unknown } = {}) {
    const place = options.place ?? {};
    const where = [place.file, place.line, place.column].filter((part) => part !== undefined).join(':');
    super(where === '' ? reason : `${where}: ${reason}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.hint = options.hint;
    this.place = place;
  }

  get exitCode(): ExitCode {
    return ExitCode[this.kind];
  }

  /** The same error in other words, for a caller who knows more of where it came from; this one is its cause. */
  restated(reason: string, place: Place = {}): FaultlineError {
    return new FaultlineError(this.kind, reason, { place, ...(this.hint === undefined ? {} : { hint: this.hint }), cause: this });
  }
}

/** The reason inside anything that was thrown, for embedding in another message. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The names among `known` nearest to `given` (Damerau-Levenshtein), best first, for "did you mean". */
export function nearest(given: string, known: Iterable<string>, most = 3): string[] {
  const limit = Math.max(2, Math.floor(given.length / 3));
  return [...known]
    .map((name) => ({ name, distance: editDistance(given, name) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance || a.name.localeCompare(b.name))
    .slice(0, most)
    .map(({ name }) => name);
}

/** Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitute = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(last[j]! + 1, row[j - 1]! + 1, substitute);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, beforeLast[j - 2]! + 1);
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
