/**
 * Secondary tags: what else is true of a sample, beside its one category. One row each; a sample has any number of them,
 * and they decide no category and no rate. Pure, as the rules are: they read what the sandbox measured. Facts of the
 * program's text (`SourceFacts`) are measured for failing samples only, so that tags made of them are not asked of passing ones.
 */
import type { OneEdit } from '../sandbox/verdict.js';
import { writtenLines } from './program-text.js';
import { exceptionOf, innermostGenerated } from './rules/rule.js';
import { trialsOf } from './rules/trials.js';
import type { Evidence } from './types.js';
import { isImportable } from './well-known-names.js';

export interface Tag {
  readonly name: string;
  /** When it holds, in one line. */
  readonly doc: string;
  readonly holds: (evidence: Evidence) => boolean;
}

/** Lines of code, comments included, blank ones not. */
const SHORT_LINES = 3;
const MEDIUM_LINES = 15;

/** The table; in the order of the names. */
export const TAGS: readonly Tag[] = [
  {
    name: 'calls_input',
    doc: 'the program calls `input`, which has nothing to read here',
    holds: ({ verdict }) => verdict.measurements.source?.callsInput === true,
  },
  {
    name: 'changes_arguments',
    doc: 'a call that returned had changed an argument, whether the test looks at that or not',
    holds: ({ verdict }) => (verdict.measurements.changedCalls ?? 0) > 0,
  },
  {
    name: 'dead_code',
    doc: 'there are statements behind a return, raise, break or continue of the same block',
    holds: ({ verdict }) => (verdict.measurements.source?.deadStatements ?? 0) > 0,
  },
  {
    name: 'fragile:further_test',
    doc: "passes, and fails the data set's further test",
    holds: ({ verdict }) => verdict.measurements.fragility?.furtherTest === false,
  },
  {
    name: 'fragile:hash_seed',
    doc: 'passes, and fails under another hash seed',
    holds: ({ verdict }) => (verdict.measurements.fragility?.hashSeeds.failed ?? 0) > 0,
  },
  {
    name: 'hallucinated_identifier',
    doc: 'reads a name that nothing binds, and that is no module or name that a forgotten import would have bound',
    holds: (evidence) => undefinedNames(evidence).some((name) => !isImportable(name)),
  },
  {
    name: 'hallucinated_member',
    doc: 'asks a module for a name that it lacks, or imports a module that is not there',
    holds: (evidence) => /^module '.*' has no attribute |^cannot import name |^No module named /.test(exceptionOf(evidence)?.message ?? ''),
  },
  {
    name: 'holds_trivially',
    doc: 'a wrong answer that passes some assertions, all of them on empty or zero inputs',
    holds: (evidence) => {
      const held = trialsOf(evidence).filter((trial) => trial.held);
      return held.length > 0 && held.every(({ traits }) => traits.includes('empty') || traits.includes('zero'));
    },
  },
  {
    name: 'length:long',
    doc: `the completion has more than ${MEDIUM_LINES} lines, blank ones not counted`,
    holds: ({ completion }) => writtenLines(completion) > MEDIUM_LINES,
  },
  {
    name: 'length:medium',
    doc: `the completion has ${SHORT_LINES + 1} to ${MEDIUM_LINES} lines, blank ones not counted`,
    holds: ({ completion }) => writtenLines(completion) > SHORT_LINES && writtenLines(completion) <= MEDIUM_LINES,
  },
  {
    name: 'length:short',
    doc: `the completion has at most ${SHORT_LINES} lines, blank ones not counted`,
    holds: ({ completion }) => writtenLines(completion) <= SHORT_LINES,
  },
  {
    name: 'missing_import',
    doc: 'reads a name that nothing binds, and that is a module of the standard library, a well-known abbreviation or a name of typing or collections',
    holds: (evidence) => undefinedNames(evidence).some(isImportable),
  },
  {
    name: 'near_limit',
    doc: 'met a time limit, and finished with three times as much: the run itself, again and alone, or what was looked at after a failure',
    holds: ({ verdict }) => verdict.measurements.nearLimit,
  },
  {
    name: 'none_operand',
    doc: 'TypeError or AttributeError on a None',
    holds: (evidence) => {
      const exception = exceptionOf(evidence);
      return exception !== null && ['TypeError', 'AttributeError'].includes(exception.type) && /\bNoneType\b/.test(exception.message);
    },
  },
  {
    name: 'one_edit:import',
    doc: 'would pass with one line more: the import of the module of the standard library, or of the name of typing, that it lacks',
    holds: (evidence) => passesWith(evidence, 'import'),
  },
  {
    name: 'one_edit:indentation',
    doc: 'would pass if its indentation, which is why it does not compile, were even',
    holds: (evidence) => passesWith(evidence, 'indentation'),
  },
  {
    name: 'one_edit:return',
    doc: 'would pass with `return` before its last expression; without, it returns None',
    holds: (evidence) => passesWith(evidence, 'return'),
  },
  {
    name: 'prompt_frame',
    doc: "failed within the prompt's own code, which the completion had called",
    holds: (evidence) => {
      const exception = exceptionOf(evidence);
      return (
        exception !== null &&
        innermostGenerated(exception)?.where === 'prompt' &&
        exception.frames.some((frame) => frame.where === 'sample')
      );
    },
  },
  {
    name: 'redefines_helper',
    doc: "defines a function of the prompt, other than the entry point, anew; the official checker's test would then call that one",
    holds: ({ verdict }) => (verdict.measurements.source?.redefined.length ?? 0) > 0,
  },
  { name: 'repeats_prompt', doc: 'says a line of the prompt again: the same 20 characters or more up to blanks', holds: repeatsPrompt },
  {
    name: 'returns:cycle',
    doc: 'returned a value that contains itself',
    holds: (evidence) => refusedReason(evidence) === 'contains itself',
  },
  {
    name: 'returns:iterator',
    doc: 'returned a generator, another iterator or a view, which has no plain form',
    holds: (evidence) => refusedReason(evidence) === NO_PLAIN_FORM && ITERATOR.test(refusedType(evidence)),
  },
  {
    name: 'returns:object',
    doc: 'returned an object of another class that has no plain form, such as one that the program makes',
    holds: (evidence) => {
      const reason = refusedReason(evidence);
      return reason === OWN_CLASS || (reason === NO_PLAIN_FORM && !ITERATOR.test(refusedType(evidence)));
    },
  },
  {
    name: 'returns:too_much',
    doc: 'returned a value that is too large or too deep to be handed over',
    holds: (evidence) => /^is (?:larger|nested deeper) than /.test(refusedReason(evidence) ?? ''),
  },
  {
    name: 'truncated_generation',
    doc: 'generation met the token limit or the context, whether that is why it failed or not',
    holds: ({ finishReason }) => finishReason === 'length' || finishReason === 'context',
  },
  {
    name: 'undefined_helper',
    doc: 'calls a function that nothing defines, and that no forgotten import would have bound',
    holds: ({ verdict }) => (verdict.measurements.source?.undefinedCalls ?? []).some((name) => !isImportable(name)),
  },
];

/** Classes of Python's own that give values one after the other, by name. */
const ITERATOR = /^(?:generator|coroutine|async_generator|map|filter|zip|enumerate|reversed|dict_(?:keys|values|items)|\w*_?iterator)$/;

/** The sandbox's reasons that stand for a class (src/sandbox/python/wire.py, describer.py); the others are about the value. */
const NO_PLAIN_FORM = 'has no plain form';
const OWN_CLASS = "is of a class of the program's own";

/** Why a returned value could not be handed over; null where that was not it. */
function refusedReason({ verdict: { outcome } }: Evidence): string | null {
  return outcome.status === 'unserialisable' ? outcome.reason : null;
}

function refusedType({ verdict: { outcome } }: Evidence): string {
  return outcome.status === 'unserialisable' ? outcome.typeName : '';
}

/** The names of the tags that hold, sorted. */
export function tagsOf(evidence: Evidence): readonly string[] {
  return TAGS.filter(({ holds }) => holds(evidence)).map(({ name }) => name);
}

function passesWith({ verdict }: Evidence, kind: OneEdit['kind']): boolean {
  const edit = verdict.measurements.source?.oneEdit;
  return edit?.kind === kind && edit.passes;
}

/** Names that nothing binds: those that the text shows, and the one that the program stumbled over. */
function undefinedNames(evidence: Evidence): readonly string[] {
  const exception = exceptionOf(evidence);
  const raised = exception?.type === 'NameError' ? /^name '(.+)' is not defined/.exec(exception.message)?.[1] : undefined;
  return [...(evidence.verdict.measurements.source?.undefinedNames ?? []), ...(raised === undefined ? [] : [raised])];
}

const SHORTEST_REPEATED_LINE = 20;

function repeatsPrompt({ prompt, completion }: Evidence): boolean {
  const telling = (text: string): string[] =>
    text
      .split(/\r\n|\r|\n/)
      .map((line) => line.trim().replace(/\s+/g, ' '))
      .filter((line) => line.length >= SHORTEST_REPEATED_LINE);
  const known = new Set(telling(prompt));
  return known.size > 0 && telling(completion).some((line) => known.has(line));
}
