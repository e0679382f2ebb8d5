/** Builders of evidence for the taxonomy's tests. Holds no test. */
import type {
  Assertion,
  AssertionTrial,
  AssertionTrials,
  ExceptionInfo,
  FailingNode,
  Frame,
  Measurements,
  Outcome,
  Relation,
  SourceFacts,
} from '../../../src/sandbox/verdict.js';
import type { Evidence } from '../../../src/taxonomy/types.js';
import { verdict } from '../sandbox/verdicts.js';

export const PROMPT = 'def add(a, b):\n    """Return a + b."""\n';

export const IN_SAMPLE: Frame = { where: 'sample', function: 'add', line: 3 };
export const IN_PROMPT: Frame = { where: 'prompt', function: 'helper', line: 1 };
export const IN_LIBRARY: Frame = { where: 'library', function: 'loads', line: 346 };

/** Evidence about a sample of `add` that ended like this. */
export function evidence(
  outcome: Outcome,
  rest: Partial<Omit<Evidence, 'verdict'>> & { measurements?: Partial<Measurements> } = {},
): Evidence {
  const { measurements: measured, ...fields } = rest;
  return {
    prompt: PROMPT,
    completion: '    return a - b\n',
    entryPoint: 'add',
    finishReason: 'function',
    ...fields,
    verdict: verdict(outcome, measured),
  };
}

/** Builtin classes above each type, as `type.__mro__` lists them, `object` left out. */
const BASES: Readonly<Record<string, readonly string[]>> = {
  UnboundLocalError: ['NameError', 'Exception', 'BaseException'],
  ModuleNotFoundError: ['ImportError', 'Exception', 'BaseException'],
  IndexError: ['LookupError', 'Exception', 'BaseException'],
  KeyError: ['LookupError', 'Exception', 'BaseException'],
  ZeroDivisionError: ['ArithmeticError', 'Exception', 'BaseException'],
  OverflowError: ['ArithmeticError', 'Exception', 'BaseException'],
  RecursionError: ['RuntimeError', 'Exception', 'BaseException'],
  NotImplementedError: ['RuntimeError', 'Exception', 'BaseException'],
  UnicodeDecodeError: ['UnicodeError', 'ValueError', 'Exception', 'BaseException'],
  JSONDecodeError: ['ValueError', 'Exception', 'BaseException'],
  IndentationError: ['SyntaxError', 'Exception', 'BaseException'],
  TabError: ['IndentationError', 'SyntaxError', 'Exception', 'BaseException'],
  PermissionError: ['OSError', 'Exception', 'BaseException'],
  FileNotFoundError: ['OSError', 'Exception', 'BaseException'],
  SystemExit: ['BaseException'],
  KeyboardInterrupt: ['BaseException'],
};

export function exception(type: string, message = '', fields: Partial<ExceptionInfo> & { node?: FailingNode | null } = {}): ExceptionInfo {
  return {
    type,
    bases: [type, ...(BASES[type] ?? ['Exception', 'BaseException'])],
    message,
    frames: [IN_SAMPLE],
    line: 3,
    column: null,
    node: 'other',
    statement: 'Return',
    locals: [],
    ...fields,
  };
}

export function raised(phase: 'load' | 'call', type: string, message = '', fields: Partial<ExceptionInfo> = {}): Outcome {
  return { status: 'exception', phase, exception: exception(type, message, fields) };
}

export function failed(fields: Partial<Assertion> = {}): Outcome & { status: 'assertion' } {
  return {
    status: 'assertion',
    assertion: {
      index: 0,
      source: 'assert candidate(1, 2) == 3',
      returned: '-1',
      returnedType: 'int',
      expected: '3',
      expectedType: 'int',
      ...fields,
    },
  };
}

/** A failing trial with an expected value that shows these relations. */
export function fails(relations: readonly Relation[] | null, fields: Partial<AssertionTrial> = {}): AssertionTrial {
  return { index: 0, held: false, visible: false, traits: [], relations, ...fields };
}

export function holds(fields: Partial<AssertionTrial> = {}): AssertionTrial {
  return { index: 0, held: true, visible: false, traits: [], relations: null, ...fields };
}

export function tried(...trials: readonly AssertionTrial[]): AssertionTrials {
  return { total: trials.length, passed: trials.filter(({ held }) => held).length, trials };
}

export function sourceFacts(fields: Partial<SourceFacts> = {}): SourceFacts {
  return {
    parses: true,
    tokens: 12,
    foreignTokens: 0,
    undefinedNames: [],
    undefinedCalls: [],
    deadStatements: 0,
    callsInput: false,
    redefined: [],
    ...fields,
  };
}
