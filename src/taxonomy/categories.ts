/**
 * The tree: every leaf of the taxonomy, one row each. Holds no decision: the order stands in
 * `classify.ts`, the rules in `rules/`.
 *
 * `published` maps a leaf to the taxonomies that people compare with: Dou et al. 2024 (arXiv 2407.06153), by code;
 * Tambon et al. 2024 (2403.08937), by name; CodeHalu, Tian et al. 2024 (2405.00253), by name. An empty list says that
 * the taxonomy has no such class, not that nobody looked.
 */
import { FaultlineError } from '../errors.js';
import type { Category, OutcomeName } from './types.js';

type Published = Category['published'];

const NOWHERE: Published = { dou: [], tambon: [], codehalu: [] };

function published(dou: readonly string[], tambon: readonly string[], codehalu: readonly string[]): Published {
  return { dou, tambon, codehalu };
}

const MISUSED_NAME = published(['B.2', 'C.2'], ['Hallucinated Object'], ['Naming']);
const MISUSED_MEMBER = published(['B.1', 'C.2'], ['Wrong Attribute'], ['Naming']);
const MISUSED_MODULE = published(['A.3', 'C.2'], ['Hallucinated Object'], ['Naming']);
const MISUSED_TYPE = published(['B.1', 'B.4'], ['Wrong Input Type'], ['Mapping']);
const MISUSED_BOUND = published(['B.3'], [], ['Mapping']);
const ENDLESS_RECURSION = published([], [], ['Resource']);
const OUT_OF_RESOURCE = published([], [], ['Resource']);
const LOGIC = published(['C.1'], [], ['Logic']);

/** The leaves that a load failure (3) and a crash (4) share; the number after the dot is the same in both. */
const EXCEPTION_LEAVES: readonly (readonly [name: string, rule: string, published: Published])[] = [
  ['name_error', 'NameError: a name is not defined, or a local is read before it is bound', MISUSED_NAME],
  ['attribute_error', 'AttributeError: an attribute or method is missing', MISUSED_MEMBER],
  ['import_error', 'an import failed, or ImportError was raised otherwise', MISUSED_MODULE],
  ['type_error', 'TypeError: arity, operand, not callable, not iterable, not subscriptable, None', MISUSED_TYPE],
  ['lookup_error', 'IndexError, KeyError or StopIteration: beyond a bound, or no such key', MISUSED_BOUND],
  ['value_error', 'ValueError: a value of the right type that cannot be used, parsing included', NOWHERE],
  ['arithmetic_error', 'ArithmeticError: division by zero, overflow', NOWHERE],
  ['recursion_error', 'RecursionError: the recursion does not end', ENDLESS_RECURSION],
  ['own_raise', 'a raise or assert statement of the sample itself, asked before the others', NOWHERE],
  ['other', 'any other exception', NOWHERE],
];

interface Leaf {
  code: string;
  name: string;
  outcome: OutcomeName;
  rule: string;
  published?: Published;
  residual?: boolean;
}

function exceptionLeaves(family: '3' | '4', outcome: 'load' | 'crash', when: string): Leaf[] {
  return EXCEPTION_LEAVES.map(([name, rule, mapping], i) => ({
    code: `${family}.${i + 1}`,
    name: `${outcome}.${name}`,
    outcome,
    rule: `${when}: ${rule}`,
    published: mapping,
    residual: name === 'other',
  }));
}

const LEAVES: readonly Leaf[] = [
  {
    code: '0',
    name: 'infra',
    outcome: 'infra',
    rule: 'a cause outside the sample: its prompt or test is at fault, or needs more than values; in no rate',
  },

  {
    code: '1.1',
    name: 'generation.truncated',
    outcome: 'generation',
    rule: 'generation met the token limit or the context, and the text does not parse as it ends inside a statement; or the prompt left no room at all',
    published: published(['A.1'], ['Incomplete Generation'], []),
  },
  {
    code: '1.2',
    name: 'generation.empty',
    outcome: 'generation',
    rule: 'the body of the entry point holds nothing but a docstring, comments, pass, ... or a bare return; raise NotImplementedError is 4.9, and has this beside it',
    published: published([], ['Incomplete Generation'], []),
  },
  {
    code: '1.3',
    name: 'generation.repetition',
    outcome: 'generation',
    rule: 'the same lines, or the same 8 characters or more, at least four times in a row, or compressible to under a fifth',
    published: published([], [], ['Logic']),
  },
  {
    code: '1.4',
    name: 'generation.off_language',
    outcome: 'generation',
    rule: 'does not parse, and more than half of its lines and of at least eight tokens cannot be Python where they stand, or are marked as HTML, Markdown or functions in braces',
  },
  {
    code: '1.5',
    name: 'generation.entry_point',
    outcome: 'generation',
    rule: 'the program loads, but the entry point is unbound, not callable or takes other arguments',
  },

  {
    code: '2.1',
    name: 'syntax.unclosed',
    outcome: 'syntax',
    rule: 'a bracket or string is not closed, or closed by the wrong bracket',
    published: published(['A.1'], ['Syntax Error'], []),
  },
  {
    code: '2.2',
    name: 'syntax.indentation',
    outcome: 'syntax',
    rule: 'IndentationError or TabError',
    published: published(['A.2'], ['Syntax Error'], []),
  },
  {
    code: '2.3',
    name: 'syntax.invalid_token',
    outcome: 'syntax',
    rule: 'a character or literal that is no Python token',
    published: published(['A'], ['Syntax Error'], []),
  },
  {
    code: '2.4',
    name: 'syntax.misplaced',
    outcome: 'syntax',
    rule: 'a statement, keyword or mark where it may not stand, a closing bracket too many, an impossible target, a malformed header, a statement that breaks off',
    published: published(['A'], ['Syntax Error'], []),
  },
  {
    code: '2.5',
    name: 'syntax.other',
    outcome: 'syntax',
    rule: 'any other text that does not compile',
    published: published(['A'], ['Syntax Error'], []),
    residual: true,
  },

  {
    code: '2.6',
    name: 'syntax.adjacent',
    outcome: 'syntax',
    rule: 'two values side by side with nothing between them: a missing operator, comma or quote, a word of prose, a blank within a name',
    published: published(['A'], ['Syntax Error'], []),
  },

  ...exceptionLeaves('3', 'load', 'while the module body ran'),
  ...exceptionLeaves('4', 'crash', 'out of a call'),

  { code: '5.1', name: 'resource.cpu', outcome: 'resource', rule: 'met the limit of CPU time', published: OUT_OF_RESOURCE },
  {
    code: '5.2',
    name: 'resource.memory',
    outcome: 'resource',
    rule: 'met the limit of memory, or MemoryError',
    published: OUT_OF_RESOURCE,
  },
  { code: '5.3', name: 'resource.output', outcome: 'resource', rule: 'met the limit of output', published: OUT_OF_RESOURCE },
  {
    code: '5.4',
    name: 'resource.blocked',
    outcome: 'resource',
    rule: 'met the limit of wall-clock time while waiting (sleep, lock), or asked for input, of which there is none',
    published: published([], ['Non-Prompted Consideration'], ['Resource']),
  },
  {
    code: '5.5',
    name: 'resource.processes',
    outcome: 'resource',
    rule: 'met the limit of processes, threads or files',
    published: OUT_OF_RESOURCE,
  },

  {
    code: '6.1',
    name: 'exit.early',
    outcome: 'exit',
    rule: 'SystemExit in any phase, or any other end before the test was over',
    published: published([], ['Non-Prompted Consideration'], []),
  },
  { code: '6.2', name: 'exit.signal', outcome: 'exit', rule: 'killed by a signal, such as a segmentation fault' },
  {
    code: '6.3',
    name: 'exit.forbidden_call',
    outcome: 'exit',
    rule: 'made a call that the sandbox does not allow: killed by its filter, or refused',
  },

  { code: '7', name: 'tamper', outcome: 'tamper', rule: 'evidence of an attempt to bypass the judge' },

  {
    code: '8.1',
    name: 'wrong.none',
    outcome: 'wrong',
    rule: 'every answered call returned None',
    published: LOGIC,
  },
  {
    code: '8.2',
    name: 'wrong.printed',
    outcome: 'wrong',
    rule: 'returned None and printed the expected value',
    published: published(['C.1', 'C.3'], [], ['Logic']),
  },
  {
    code: '8.3',
    name: 'wrong.type',
    outcome: 'wrong',
    rule: 'returned a value of another type than expected, or of other types within, in all failing assertions, one without a plain form, or one on which the test itself fails',
    published: published(['C.1', 'C.3'], [], ['Logic']),
  },
  {
    code: '8.4',
    name: 'wrong.order',
    outcome: 'wrong',
    rule: 'the right elements in another order or number',
    published: LOGIC,
  },
  {
    code: '8.5',
    name: 'wrong.off_by_one',
    outcome: 'wrong',
    rule: 'off by one: a number, a length or a shifted slice',
    published: published(['C.1'], ['Silly Mistake'], ['Logic']),
  },
  {
    code: '8.6',
    name: 'wrong.float_tolerance',
    outcome: 'wrong',
    rule: 'equal but for rounding: within a thousandth of its size, or of an expected 0 within 1e-9',
    published: published(['C.1', 'C.3'], [], ['Logic']),
  },
  {
    code: '8.7',
    name: 'wrong.constant',
    outcome: 'wrong',
    rule: 'the same value in every answered call, or an argument as it was',
    published: LOGIC,
  },
  {
    code: '8.8',
    name: 'wrong.mutation',
    outcome: 'wrong',
    rule: 'changed its arguments: in place of returning, or beside returning the right value',
    published: published(['C.1'], ['Silly Mistake'], ['Logic']),
  },
  {
    code: '8.9',
    name: 'wrong.corner_case',
    outcome: 'wrong',
    rule: 'fails on one kind of input alone, in at most half of the assertions: empty, zero, one, negative or with duplicates',
    published: published(['B.3', 'C.1'], ['Missing Corner Case'], ['Logic']),
  },
  {
    code: '8.10',
    name: 'wrong.hidden_only',
    outcome: 'wrong',
    rule: 'passes the examples that the prompt shows and fails others',
    published: published(['C.1'], ['Prompt-biased Code'], ['Logic']),
  },
  {
    code: '8.11',
    name: 'wrong.partial',
    outcome: 'wrong',
    rule: 'passes some of the assertions',
    published: LOGIC,
    residual: true,
  },
  {
    code: '8.12',
    name: 'wrong.all',
    outcome: 'wrong',
    rule: 'passes no assertion that was measured',
    published: published(['C.1'], ['Misinterpretation'], ['Logic']),
    residual: true,
  },

  {
    code: '9',
    name: 'fragile',
    outcome: 'pass',
    rule: 'passes, but fails under other hash seeds or further inputs, or takes ten times the CPU time of the reference',
  },
];

/** Every leaf, in the order of the tree. */
export const CATEGORIES: readonly Category[] = LEAVES.map((leaf) => ({
  published: NOWHERE,
  residual: false,
  ...leaf,
}));

const BY_CODE: ReadonlyMap<string, Category> = new Map(CATEGORIES.map((category) => [category.code, category]));

/** The leaf with this code. Throws `internal`: codes come from this table. */
export function categoryByCode(code: string): Category {
  const category = BY_CODE.get(code);
  if (category === undefined) throw new FaultlineError('internal', `the taxonomy has no leaf ${code}`);
  return category;
}
