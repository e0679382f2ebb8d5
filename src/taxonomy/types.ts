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
  /** Whether a rule decides this leaf yet; a leaf without a rule is listed, and counts nothing. */
  readonly decided: boolean;
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

/** The decision about one sample. */
export interface Classification {
  /** null for a passing sample. */
  readonly category: Category | null;
  readonly outcome: OutcomeName;
  /** What the rule saw, one line. */
  readonly evidence: string;
  /** The generation leaf computed beside the primary one (1.1 to 1.5), or null. */
  readonly generation: Category | null;
}
