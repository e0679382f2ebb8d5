/**
 * The one shape that every dataset is turned into: HumanEval's fields, in camel case. Holds no loader.
 * On disk the names are HumanEval's own (`task_id`, `entry_point`, ...); `jsonl.ts` translates.
 */
import { createHash } from 'node:crypto';

export interface Problem {
  /** Unique within a file, such as `HumanEval/0`. */
  readonly taskId: string;
  /** What the model sees. For the judge it is also trusted code: helpers and imports of the tests live here. */
  readonly prompt: string;
  /** The function that the tests call. */
  readonly entryPoint: string;
  readonly canonicalSolution: string;
  /**
   * Trusted Python. If it defines `check`, the judge calls `check(candidate)` (HumanEval); else running it is the
   * test (MBPP's assertion list), with the entry point's name bound to the candidate.
   */
  readonly test: string;
  /** More of the kind, on which nothing but the label `9 fragile` depends: HumanEval's `extra_test`, MBPP's `challenge_test_list`. */
  readonly furtherTest?: string;
  /** Why samples of this problem cannot be judged. They are then not executed, and in no rate. */
  readonly unsupported?: string;
  /** 1 (easy) to 4, where the dataset says so. */
  readonly difficulty?: number;
  /** Further fields of the source line, kept as they were. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** What a problem asks. What decides no pass, such as the canonical solution, is no part of it. */
export type Question = Pick<Problem, 'prompt' | 'entryPoint' | 'test'>;

/** The same text for problems that are the same question. */
export function questionOf({ prompt, entryPoint, test }: Question): string {
  return JSON.stringify([prompt, entryPoint, test]);
}

/** Enough to tell versions of a problem apart, and little beside a sample. */
const DIGEST_DIGITS = 16;

/**
 * What a line of samples says of its problem, as `problem_digest`: equal for the same question, in hexadecimal. Half surrogate pairs count as
 * U+FFFD, as which a database keeps them.
 */
export function questionDigest({ prompt, entryPoint, test }: Question): string {
  const hash = createHash('sha256');
  for (const part of [prompt, entryPoint, test]) {
    const bytes = Buffer.from(part, 'utf8');
    hash.update(`${bytes.length}\n`).update(bytes);
  }
  return hash.digest('hex').slice(0, DIGEST_DIGITS);
}

/** A loaded problem file, with what an experiment records about it. */
export interface ProblemSet {
  readonly name: string;
  readonly path: string;
  /** SHA-256 of the bytes on disk, in hexadecimal. */
  readonly hash: string;
  readonly problems: readonly Problem[];
}
