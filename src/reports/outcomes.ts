/**
 * The outcomes as a report shows them: order, label, meaning, the same everywhere. One row an outcome; colours stand in
 * `render/plots/palette.ts`. Decides nothing: the taxonomy does.
 */
import { FaultlineError } from '../errors.js';
import type { OutcomeName } from '../taxonomy/types.js';

/** Outcomes of samples that count: all but `infra`. */
export type CountedOutcome = Exclude<OutcomeName, 'infra'>;

export interface OutcomeWords {
  readonly label: string;
  readonly meaning: string;
  /** Ends before it gave an answer, at run time: where the worst samples are looked for first. */
  readonly crashLike: boolean;
}

/** From best to what says least about the program: the order of stacks, legends and tables. */
export const OUTCOMES: Readonly<Record<CountedOutcome, OutcomeWords>> = {
  pass: { label: 'pass', meaning: 'passed the whole test', crashLike: false },
  wrong: { label: 'wrong answer', meaning: 'ran, and returned a wrong value', crashLike: false },
  crash: { label: 'crash', meaning: 'an exception left a call', crashLike: true },
  load: { label: 'load', meaning: 'an exception before any call', crashLike: true },
  resource: { label: 'resource', meaning: 'met a limit on time, memory, output or processes', crashLike: true },
  exit: { label: 'abnormal exit', meaning: 'ended the process, or was ended by a signal', crashLike: true },
  syntax: { label: 'syntax', meaning: 'does not compile', crashLike: false },
  generation: { label: 'generation', meaning: 'nothing complete to run: truncated, empty, repeating or off-language', crashLike: false },
  tamper: { label: 'tamper', meaning: 'tried to get around the judge', crashLike: true },
};

/** The outcomes that count, in the order in which they are shown. */
export const OUTCOME_ORDER = Object.keys(OUTCOMES) as readonly CountedOutcome[];

/** The outcomes that the crash rate counts. */
export const CRASHES: readonly CountedOutcome[] = ['load', 'crash'];

/** Narrows a stored outcome; null for anything that is none. */
export function outcomeOf(text: string): OutcomeName | null {
  return text === 'infra' || Object.hasOwn(OUTCOMES, text) ? (text as OutcomeName) : null;
}

/** The same for whoever can do nothing without it. Throws `input`. */
export function knownOutcome(text: string): OutcomeName {
  const outcome = outcomeOf(text);
  if (outcome !== null) return outcome;
  throw new FaultlineError('input', `the outcome ${text} is not known to this version`, { hint: 'Update faultline.' });
}
