/**
 * Categories that a config adds (`categories.rules`): what its conditions mean. Pure: a rule reads the decision and its
 * evidence and runs nothing. It splits leaves of the tree and moves no sample to another outcome, so that crash rate and
 * pass rate mean the same in every experiment. `pipeline/category-view.ts` applies it.
 *
 * The code of an added category is that of the first category it is over, a colon, and the last word of its name:
 * `4.5:list_index`. So it stands beside its leaf, and stays the same when rules are added or change places.
 */
import { comparisonIn, patternIn, RULE_FIELDS, type CategoryRule, type RuleConditions, type RuleField } from '../config/category-rules.js';
import type { FailingNode, LimitedResource, Outcome, Phase, Relation, Verdict } from '../sandbox/verdict.js';
import { linesOf, programOf } from './program-text.js';
import { exceptionOf } from './rules/rule.js';
import { trialsOf } from './rules/trials.js';
import { TAGS } from './tags.js';
import type { Category, Classification, Evidence } from './types.js';

/** Texts are looked at up to here: patterns take time in proportion, and lines of generated text have any length. */
const LONGEST_TEXT = 1_000;

interface Field {
  /** `part`: a plain condition holds where it occurs in the text; `whole`: where it is the text; `number`: where the comparison does. */
  readonly match: 'part' | 'whole' | 'number';
  /** The values that a sample has; the condition holds where it holds for one of them. */
  readonly of: (evidence: Evidence, decided: Classification) => readonly (string | null)[];
  /** Every value that there is, for the fields that have no others. */
  readonly words?: readonly string[];
}

/** The words of a union, all of them. */
function wordsOf<T extends string>(words: Readonly<Record<T, true>>): readonly T[] {
  return Object.keys(words) as T[];
}

const STATUSES = wordsOf<Outcome['status']>({
  passed: true,
  syntax: true,
  exception: true,
  missing_entry_point: true,
  assertion: true,
  test_error: true,
  unserialisable: true,
  limit: true,
  exit: true,
  signal: true,
  forbidden: true,
  tamper: true,
  not_run: true,
  infra: true,
  unsupported: true,
});
const PHASES = wordsOf<Phase>({ compile: true, load: true, call: true });
const NODES = wordsOf<FailingNode>({ raise: true, assert: true, import: true, other: true });
const VIAS = wordsOf<Extract<Outcome, { status: 'exit' }>['via']>({ SystemExit: true, process: true });
const RESOURCES = wordsOf<LimitedResource>({ cpu: true, memory: true, output: true, blocked: true, processes: true, files: true });
const RELATIONS = wordsOf<Relation>({
  type: true,
  order: true,
  repeats: true,
  off_by_one: true,
  rounding: true,
  in_place: true,
  unaliased: true,
});

const assertionOf = ({ outcome }: Verdict) =>
  outcome.status === 'assertion' || outcome.status === 'test_error' ? outcome.assertion : null;

/** What each field reads. */
const FIELDS: Readonly<Record<RuleField, Field>> = {
  status: { match: 'whole', of: ({ verdict }) => [verdict.outcome.status], words: STATUSES },
  phase: { match: 'whole', of: ({ verdict }) => [verdict.measurements.phase], words: PHASES },
  // The class itself and those above it.
  exception_type: { match: 'whole', of: (evidence) => typesOf(evidence) },
  message: { match: 'part', of: (evidence) => [exceptionOf(evidence)?.message ?? null] },
  line: { match: 'part', of: (evidence, { place }) => [place === null ? null : lineOf(evidence, place.line)] },
  statement: { match: 'whole', of: (_, { node }) => [node] },
  node: { match: 'whole', of: (evidence) => [exceptionOf(evidence)?.node ?? null], words: NODES },
  tag: { match: 'whole', of: (_, { tags }) => tags, words: TAGS.map(({ name }) => name) },
  signal: {
    match: 'whole',
    of: ({ verdict: { outcome } }) => [outcome.status === 'signal' || outcome.status === 'forbidden' ? outcome.signal : null],
  },
  exit_code: { match: 'number', of: ({ verdict: { outcome } }) => [outcome.status === 'exit' ? String(outcome.code) : null] },
  exit_via: { match: 'whole', of: ({ verdict: { outcome } }) => [outcome.status === 'exit' ? outcome.via : null], words: VIAS },
  resource: { match: 'whole', of: ({ verdict: { outcome } }) => [outcome.status === 'limit' ? outcome.resource : null], words: RESOURCES },
  returned_type: { match: 'whole', of: ({ verdict }) => [returnedTypeOf(verdict)] },
  expected_type: { match: 'whole', of: ({ verdict }) => [assertionOf(verdict)?.expectedType ?? null] },
  // Those that every failing assertion with an expected value shows.
  relation: { match: 'whole', of: (evidence) => sharedRelations(evidence), words: RELATIONS },
  stdout: { match: 'part', of: ({ verdict }) => [verdict.measurements.stdout || null] },
  calls: { match: 'number', of: ({ verdict }) => measured(verdict, 'calls') },
  cpu_seconds: { match: 'number', of: ({ verdict }) => measured(verdict, 'cpuSeconds') },
  memory: { match: 'number', of: ({ verdict }) => measured(verdict, 'peakMemoryBytes') },
};

/** A number that was measured; none of what was never executed, or took the processes that measure with it. */
function measured({ measurements }: Verdict, key: 'calls' | 'cpuSeconds' | 'peakMemoryBytes'): readonly string[] {
  return measurements.peakMemoryBytes > 0 ? [String(measurements[key])] : [];
}

function typesOf(evidence: Evidence): readonly string[] {
  const exception = exceptionOf(evidence);
  return exception === null ? [] : [exception.type, ...exception.bases];
}

function lineOf(evidence: Evidence, number: number): string | null {
  const program = programOf(evidence);
  const line = linesOf(program)[number - 1];
  return line === undefined ? null : program.slice(line.start, line.end).trim();
}

function returnedTypeOf(verdict: Verdict): string | null {
  return verdict.outcome.status === 'unserialisable' ? verdict.outcome.typeName : (assertionOf(verdict)?.returnedType ?? null);
}

function sharedRelations(evidence: Evidence): readonly string[] {
  const [first, ...rest] = trialsOf(evidence).flatMap(({ held, relations }) => (held || relations === null ? [] : [relations]));
  return (first ?? []).filter((relation) => rest.every((relations) => relations.includes(relation)));
}

/** An added category, ready to be asked. */
export interface CustomRule {
  readonly category: Category;
  /** Codes of the categories whose samples it asks about. */
  readonly over: ReadonlySet<string>;
  readonly holds: (evidence: Evidence, decided: Classification) => boolean;
}

/**
 * A condition of `rule` that can never hold, as its plain text is no value that its field ever has, with the values that it has; null where
 * there is none.
 */
export function impossibleCondition(rule: CategoryRule): { field: RuleField; text: string; words: readonly string[] } | null {
  for (const conditions of [rule.when, rule.unless ?? {}]) {
    for (const field of RULE_FIELDS) {
      const { words } = FIELDS[field];
      const text = words === undefined ? undefined : conditions[field]?.find((each) => patternIn(each) === null && !words.includes(each));
      if (text !== undefined) return { field, text, words: words! };
    }
  }
  return null;
}

/** @param over the categories that `rule.over` names; of one outcome, at least one */
export function compileRule(rule: CategoryRule, over: readonly Category[]): CustomRule {
  const [first] = over as [Category];
  const [when, unless] = [compileConditions(rule.when), compileConditions(rule.unless ?? {})];
  const told = [...describeConditions(rule.when, ''), ...describeConditions(rule.unless ?? {}, 'not ')];
  return {
    category: {
      ...first,
      code: `${first.code}:${rule.name.slice(rule.name.indexOf('.') + 1)}`,
      name: rule.name,
      rule: `of ${over.map(({ code }) => code).join(', ')}, by the config: ${told.join('; ')}`,
      residual: false,
    },
    over: new Set(over.map(({ code }) => code)),
    holds: (evidence, decided) => when.every((holds) => holds(evidence, decided)) && !unless.some((holds) => holds(evidence, decided)),
  };
}

function compileConditions(conditions: RuleConditions): readonly CustomRule['holds'][] {
  return RULE_FIELDS.flatMap((field) => {
    const tests = conditions[field]?.map((text) => conditionTest(text, field));
    if (tests === undefined) return [];
    return (evidence: Evidence, decided: Classification) => {
      const values = FIELDS[field].of(evidence, decided).filter((value) => value !== null);
      return values.some((value) => tests.some((test) => test(value.slice(0, LONGEST_TEXT))));
    };
  });
}

function describeConditions(conditions: RuleConditions, before: string): readonly string[] {
  return Object.entries(conditions).map(([field, texts]) => `${before}${field} ${texts.join(' or ')}`);
}

function conditionTest(text: string, field: RuleField): (value: string) => boolean {
  const { match } = FIELDS[field];
  if (match === 'number') {
    const holds = comparisonIn(field, text);
    return (value) => holds(Number(value));
  }
  return patternIn(text) ?? (match === 'part' ? (value) => value.includes(text) : (value) => value === text);
}
