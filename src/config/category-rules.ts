/**
 * Categories that a config adds by rules: their shape as data, checked. What the fields mean, and which categories there
 * are, is the taxonomy's (`taxonomy/custom-rules.ts`).
 */
import { compilePattern, PatternError, type Pattern } from './pattern.js';
import { bytes, list, Mismatch, number, refuse, text, type ValueType } from './value-types.js';

/** What a rule may ask about. A condition on what a sample does not have (no exception, no trial) does not hold. */
export const RULE_FIELDS = [
  'status',
  'phase',
  'exception_type',
  'message',
  'line',
  'statement',
  'node',
  'tag',
  'signal',
  'exit_code',
  'exit_via',
  'resource',
  'returned_type',
  'expected_type',
  'relation',
  'stdout',
  'calls',
  'cpu_seconds',
  'memory',
] as const;
export type RuleField = (typeof RULE_FIELDS)[number];

/** What a number of a rule's is, by the fields that have one. */
const NUMBERS: Readonly<Partial<Record<RuleField, ValueType<number>>>> = {
  exit_code: number(-Infinity),
  calls: number(-Infinity),
  cpu_seconds: number(-Infinity),
  memory: bytes(0),
};

export type RuleConditions = Readonly<Partial<Record<RuleField, readonly string[]>>>;

/** One added category: samples of the categories `over` for which every condition of `when` holds, and none of `unless`. */
export interface CategoryRule {
  /** `<outcome>.<word>`, such as `crash.list_index`. */
  readonly name: string;
  /** Codes or names; all of one outcome. The first one's code begins the new category's. */
  readonly over: readonly string[];
  /**
   * By field, what it must be: one of these texts, or `/pattern/` (`/pattern/i`: without regard to case); of a number, one of these comparisons, such
   * as `>= 2`. Empty only where there is `unless`.
   */
  readonly when: RuleConditions;
  readonly unless?: RuleConditions;
}

/** The pattern that a condition's text is, or null where it is plain text. Throws PatternError. */
export function patternIn(condition: string): Pattern | null {
  const found = /^\/(.*)\/(i?)$/s.exec(condition);
  return found === null ? null : compilePattern(found[1]!, found[2] === 'i');
}

const COMPARED: Readonly<Record<string, (value: number, other: number) => boolean>> = {
  '=': (value, other) => value === other,
  '<': (value, other) => value < other,
  '<=': (value, other) => value <= other,
  '>': (value, other) => value > other,
  '>=': (value, other) => value >= other,
};

/** What a condition on a field that has numbers asks of one: `3`, `= 3`, `> 0.5`, of memory `>= 512MiB`. Throws Mismatch. */
export function comparisonIn(field: RuleField, condition: string): (value: number) => boolean {
  const [, sign = '=', rest = ''] = /^(<=|>=|<|>|=)?\s*(.*)$/s.exec(condition)!;
  const other = NUMBERS[field]!.fromText(rest);
  return (value) => COMPARED[sign]!(value, other);
}

const RULE_KEYS: ReadonlySet<string> = new Set(['name', 'over', 'when', 'unless']);
const EXAMPLE = '{ name: crash.list_index, over: ["4.5"], when: { message: /list index/ } }';
const NAME = text('a name such as crash.list_index: an outcome, a dot, and small letters, digits and _', /^[a-z]+\.[a-z][a-z0-9_]{0,59}$/);
const OVER = list('a list of category codes or names in quotes, such as ["4.5"]');

/** The list of rules. On a command line and in the environment: as JSON. */
export function categoryRules(): ValueType<readonly CategoryRule[]> {
  const expected = `a list of rules such as ${EXAMPLE}`;
  const parse = (raw: unknown): readonly CategoryRule[] => {
    if (!Array.isArray(raw)) refuse(expected, raw);
    return raw.map((item: unknown, index) => within(index, () => parseRule(item)));
  };
  const fromText = (given: string): readonly CategoryRule[] => {
    let raw: unknown;
    try {
      raw = JSON.parse(given);
    } catch {
      throw new Mismatch(`expected ${expected}, as JSON`);
    }
    return parse(raw);
  };
  return { expected, parse, fromText };
}

function parseRule(raw: unknown): CategoryRule {
  if (!isSection(raw)) refuse(`a rule such as ${EXAMPLE}`, raw);
  for (const key of Object.keys(raw)) if (!RULE_KEYS.has(key)) throw unknown(key, [...RULE_KEYS]);
  const over = within('over', () => OVER.parse(raw['over']));
  if (over.length === 0) throw new Mismatch('expected at least one category', ['over']);
  const name = within('name', () => NAME.parse(raw['name']));
  if (!('unless' in raw)) return { name, over, when: within('when', () => parseConditions(raw['when'])) };
  const unless = within('unless', () => parseConditions(raw['unless']));
  return { name, over, when: 'when' in raw ? within('when', () => parseConditions(raw['when'])) : {}, unless };
}

function parseConditions(raw: unknown): RuleConditions {
  if (!isSection(raw) || Object.keys(raw).length === 0) refuse(`a section of conditions: ${RULE_FIELDS.join(', ')}`, raw);
  const entries = Object.entries(raw).map(([field, value]) => {
    const known = RULE_FIELDS.find((name) => name === field);
    if (known === undefined) throw unknown(field, RULE_FIELDS);
    return [field, within(field, () => (known in NUMBERS ? parseComparisons(known, value) : parseTexts(value)))];
  });
  return Object.fromEntries(entries) as RuleConditions;
}

function parseTexts(raw: unknown): readonly string[] {
  const texts = list('a text, a /pattern/, or a list of them, in quotes where YAML would read a number').parse(
    Array.isArray(raw) ? raw : [raw],
  );
  if (texts.length === 0) throw new Mismatch('expected at least one text');
  for (const each of texts) {
    try {
      patternIn(each);
    } catch (thrown) {
      if (thrown instanceof PatternError) throw new Mismatch(`the pattern ${each} has ${thrown.message}`);
      throw thrown;
    }
  }
  return texts;
}

function parseComparisons(field: RuleField, raw: unknown): readonly string[] {
  const example = field === 'memory' ? '512MiB or "> 512MiB"' : '3 or "> 3"';
  const given: readonly unknown[] = Array.isArray(raw) ? raw : [raw];
  if (given.length === 0) throw new Mismatch('expected at least one number');
  return given.map((each) => {
    const written = typeof each === 'bigint' || typeof each === 'number' ? String(each) : each;
    if (typeof written === 'string') {
      try {
        comparisonIn(field, written);
        return written;
      } catch (thrown) {
        if (!(thrown instanceof Mismatch)) throw thrown;
      }
    }
    return refuse(`a number such as ${example}, or a list of them`, each);
  });
}

function unknown(key: string, known: readonly string[]): Mismatch {
  return new Mismatch(`unknown key ${key}; there are ${known.join(', ')}`, [key]);
}

function isSection(raw: unknown): raw is Readonly<Record<string, unknown>> {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw);
}

/** Runs a check of a part, so that a refusal says where in the value it stands. */
function within<T>(part: string | number, check: () => T): T {
  try {
    return check();
  } catch (thrown) {
    if (thrown instanceof Mismatch) throw new Mismatch(thrown.message, [part, ...thrown.path]);
    throw thrown;
  }
}
