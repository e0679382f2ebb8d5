/** Words of the taxonomy. The tree stands in `categories.ts`, the decision in `classify.ts`, one rule a file in `rules/`. */
import type { Verdict } from '../sandbox/verdict.js';

/** The coarse column beside the category. Crash rate = load + crash over all samples. */
export type OutcomeName = 'pass' | 'infra' | 'generation' | 'syntax' | 'load' | 'crash' | 'resource' | 'exit' | 'tamper' | 'wrong';

/** A leaf of the tree. */
export interface Category {
  /** Stable, such as `4.1`. */
  readonly code: string;
  /** Such as `crash.name_error`. */
  readonly name: string;
  readonly outcome: OutcomeName;
  /** The rule in one line. */
  readonly rule: string;
  /** Codes of published taxonomies, such as `{ dou: ['B.2'], tambon: ['Hallucinated Object'], codehalu: ['Naming'] }`. */
  readonly published: Readonly<Record<'dou' | 'tambon' | 'codehalu', readonly string[]>>;
  /** Residual leaves stand for "none of the rules said more". */
  readonly residual: boolean;
}

/** Everything a rule may look at. Rules are pure. */
export interface Evidence {
  readonly verdict: Verdict;
  readonly prompt: string;
  readonly completion: string;
  readonly entryPoint: string;
  /** Why generation ended; empty where it is not known (samples made elsewhere), then 1.1 cannot be decided. */
  readonly finishReason: string;
}

/** UTF-8 bytes of the completion, `start` included, `end` not; never empty. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Where in the program a failure stands. Tokens are found from `range` by `tokenSpan` (`token-span.ts`). */
export interface Place {
  /** 1-based line of the program (prompt + completion), as Python counts them. */
  readonly line: number;
  /** 1-based, in characters; null where the interpreter did not say. */
  readonly column: number | null;
  /**
   * Of an exception: its line's text within the completion, white space around it left out. Of a syntax error whose column is
   * known: the word or character under it, the line's end where it stands there. Null where that lies in the prompt.
   */
  readonly range: ByteRange | null;
}

/** The decision about one sample. */
export interface Classification {
  /** null for a passing sample that is not fragile. */
  readonly category: Category | null;
  readonly outcome: OutcomeName;
  /** What the rule saw, one line. */
  readonly evidence: string;
  /** The generation leaf computed beside the primary one (1.1 to 1.5), or null. */
  readonly generation: Category | null;
  /** The rule that decided: its file in `rules/` without `.ts`, or `config:` and the name of a category of the config's own. Null without a category. */
  readonly rule: string | null;
  /** Where it failed; null where that is not known (wrong answers, limits, exits). */
  readonly place: Place | null;
  /** Class name of the innermost statement at the failing line, as Python's `ast` calls it (`Return`); null where it is not known. */
  readonly node: string | null;
  /** What else is true of the sample; names from `tags.ts`, sorted. */
  readonly tags: readonly string[];
}
