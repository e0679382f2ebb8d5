/**
 * What one execution of one sample came to, as data. No strings to parse, no taxonomy, no SQL.
 *
 * Trust: `status`, `passed`, limits, exits and signals are the supervisor's and the judge's own observations.
 * Exception type, message, frames and stdout are the candidate process's own description, and stored as that.
 */

/** Where an execution stood when it ended. */
export type Phase = 'compile' | 'load' | 'call';

/** One traceback frame, outermost first. */
export interface Frame {
  /** `sample`: generated code; `prompt`: the problem's own text; `library`: anything else. */
  readonly where: 'sample' | 'prompt' | 'library';
  readonly function: string;
  /** 1-based line in the program (prompt + completion), or in the library file. */
  readonly line: number;
}

/** The kind of syntax node that raised, decided inside the sandbox by parsing the program there. */
export type FailingNode = 'raise' | 'assert' | 'import' | 'other';

/** An exception as the candidate's interpreter described it. */
export interface ExceptionInfo {
  /** Class name such as `NameError`. */
  readonly type: string;
  /** Class names of the method resolution order, from `type` up to `BaseException`. */
  readonly bases: readonly string[];
  /**
   * Truncated to 1,000 characters. Addresses (`0x...`), places of this machine (`<library>`; `/tmp` for the folder that can be written to; `...`
   * for where a module was found) and tempfile's names (`/tmp/tmp...`) are the same everywhere.
   */
  readonly message: string;
  readonly frames: readonly Frame[];
  /** The failing line in the program (innermost generated frame, or the syntax error's line), 1-based. */
  readonly line: number | null;
  /** 1-based column, in characters, of the error or of the failing expression (before Python 3.11: of its statement or decorator); null where the interpreter does not know it. */
  readonly column: number | null;
  readonly node: FailingNode | null;
  /**
   * Class name of the innermost statement that holds the failing expression (before Python 3.11: at `line`, the first where several share it), as
   * Python's `ast` calls it, such as `Return`. Of a definition its decorators are part. Null for syntax errors.
   */
  readonly statement: string | null;
  /** Locals of the failing frame, at most 20, in the order of their names: plain values as short reprs, others as `<type>`. */
  readonly locals: readonly Local[];
  /**
   * Of an OSError: the system's error number (the resolver's are negative); 0 where the exception has none, or none that a system call gave, such
   * as one that the program throws into a generator. Absent in results of before it was told, and of other exceptions.
   */
  readonly errno?: number;
}

/** A local variable as the candidate described it. */
export interface Local {
  readonly name: string;
  /** At most 80 characters. */
  readonly value: string;
}

/** One assertion of the test. */
export interface Assertion {
  /** 0-based, in source order as first reached. */
  readonly index: number;
  /** Source text, truncated to 300 characters. */
  readonly source: string;
  /**
   * `repr` of what the candidate returned last, before an expected value that was itself made of its calls, truncated; `<type>` where it has none, such
   * as an int of too many digits. Null where it did not return.
   */
  readonly returned: string | null;
  /** Type name of what was returned. */
  readonly returnedType: string | null;
  /**
   * `repr` of the expected value where the assertion has the form `candidate(...) == value`, or one that stands for it:
   * `abs(candidate(...) - value) < tolerance`, `isclose(candidate(...), value)`; else null, and where the candidate was called for it. It is the
   * value that was compared: nothing is computed again, and nobody called.
   */
  readonly expected: string | null;
  readonly expectedType: string | null;
}

/**
 * What is special about an input; which tests leave out, and programs forget. Of each argument, positional or named:
 *   empty        a container, string or range without elements
 *   zero         the number 0 (here and below, bool is no number)
 *   one          the number 1, or a container or string of one element
 *   negative     a negative number, or a list, tuple, deque or set that holds one directly
 *   duplicates   a list, tuple or deque without inner containers in which two elements are equal
 */
export type InputTrait = 'empty' | 'zero' | 'one' | 'negative' | 'duplicates';

/**
 * How a returned value relates to the expected one that it is not equal to. Decided by the judge over the values, not their texts.
 *   type        another type, beyond what a comparison would forgive: numbers do not count against each other, bool does. Also containers
 *               of one shape that differ in nothing but the types in the same places
 *   order       sequences or strings of the same elements in another order
 *   repeats     the same distinct elements, some of them another number of times
 *   off_by_one  a whole number one away; a sequence or string (of two or more elements) with one element too few or too many at an end,
 *               or (of three or more) shifted by one
 *   rounding    numbers, not both int, alone or in the same places of a structure, equal within 1e-3 of their size, or to an
 *               expected 0 within 1e-9, and not equal
 *   in_place    None was returned, and an argument was changed into the expected value; or was that already, where another call changed one
 *   unaliased   the assertion holds where the call's changes to its arguments are not written back; asked wherever a call changed one
 * Of values with more than 20,000 parts in all only `type` is asked.
 */
export type Relation = 'type' | 'order' | 'repeats' | 'off_by_one' | 'rounding' | 'in_place' | 'unaliased';

/** One assertion of the test, tried alone. */
export interface AssertionTrial {
  /** Into the test's assertions, in source order. */
  readonly index: number;
  /** Also where it raised what a `try` around it in the test names and takes (`except ValueError`), as the test goes on there. */
  readonly held: boolean;
  /**
   * Whether the prompt shows all of its calls, with the same arguments of the same types, and what they return. Null where the assertion calls
   * nothing (its calls are those made while it is tried, or else since the assertion before), was tried more than once (a loop), or never.
   */
  readonly visible: boolean | null;
  /** Of the arguments of its calls, sorted. */
  readonly traits: readonly InputTrait[];
  /**
   * Sorted; empty where none holds; in a loop those that hold every time. Null where it held, where there is no expected value (that is,
   * unless it has a form in which `Assertion.expected` is known) and where nothing was returned. `unaliased` needs neither value.
   */
  readonly relations: readonly Relation[] | null;
}

/** The second pass: every assertion of the test tried alone. */
export interface AssertionTrials {
  readonly total: number;
  readonly passed: number;
  /** The first 200 of them, in order; null in results of before they were kept. */
  readonly trials: readonly AssertionTrial[] | null;
}

/**
 * What a parser says about the program's text, found in a process that executes nothing of it. Only for failing samples.
 * Counts are of the completion, not of the prompt.
 */
export interface SourceFacts {
  readonly parses: boolean;
  readonly tokens: number;
  /** Of `tokens`, those that cannot be Python where they stand: unknown characters, Markdown, one plain word after another, functions in braces. */
  readonly foreignTokens: number;
  /** Lines with tokens, but for those that open or close Markdown's code. Absent in results of before they were counted, as is the next one. */
  readonly lines?: number;
  /** Of `lines`, those of whose tokens more than half are foreign. */
  readonly foreignLines?: number;
  /** Names that the completion reads and nothing in the program binds, in order of first use, at most 20; none where exec, globals and the like may. */
  readonly undefinedNames: readonly string[];
  /** Those of them that are called. */
  readonly undefinedCalls: readonly string[];
  /** Statements behind a return, raise, break or continue of the same block. */
  readonly deadStatements: number;
  readonly callsInput: boolean;
  /** Functions of the prompt, other than the entry point, that the completion defines anew. */
  readonly redefined: readonly string[];
  /** What came of one small edit of the text; absent where none fits what the program failed of, and in results of before one was tried. */
  readonly oneEdit?: OneEdit;
}

/**
 * An edit of a failing program, and whether the program then passes.
 *   import        the module of the standard library, or the name of `typing`, that a NameError misses, imported
 *   indentation   of a text with an IndentationError: every block four columns deeper than what opens it
 *   return        where all calls returned None: `return` before the expression that ends the entry point
 */
export interface OneEdit {
  readonly kind: 'import' | 'indentation' | 'return';
  readonly passes: boolean;
}

/** What else was tried with a sample that passed. */
export interface Fragility {
  /** Runs under further hash seeds, and how many of them failed; none are made where the seed cannot show (`Measurements.hashSeedMayShow`). */
  readonly hashSeeds: { readonly tried: number; readonly failed: number };
  /** Whether the data set's further test passed; null where there is none. */
  readonly furtherTest: boolean | null;
  /** Least CPU time of all runs over that of the reference solution, where the former is above 50 ms; null otherwise. */
  readonly slowdown: number | null;
}

export type LimitedResource = 'cpu' | 'memory' | 'output' | 'blocked' | 'processes' | 'files';

/** How an execution ended. One variant, one status. */
export type Outcome =
  | { readonly status: 'passed' }
  /** The program does not compile. */
  | { readonly status: 'syntax'; readonly exception: ExceptionInfo }
  /** An exception left the module body or a call. */
  | { readonly status: 'exception'; readonly phase: 'load' | 'call'; readonly exception: ExceptionInfo }
  /** The module loaded, and the entry point is unbound or not callable. */
  | { readonly status: 'missing_entry_point'; readonly found: 'unbound' | 'not_callable' }
  /** A limit was met; `exception` where it surfaced as one (MemoryError). */
  | { readonly status: 'limit'; readonly resource: LimitedResource; readonly exception: ExceptionInfo | null }
  /** SystemExit, os._exit or any other end of the process before the test was over. */
  | { readonly status: 'exit'; readonly code: number; readonly via: 'SystemExit' | 'process' }
  | { readonly status: 'signal'; readonly signal: string }
  /** Killed by the system-call filter. */
  | { readonly status: 'forbidden'; readonly signal: 'SIGSYS' }
  /** Evidence of an attempt to bypass the judge. */
  | { readonly status: 'tamper'; readonly evidence: string }
  /**
   * A call returned a value that has no plain serialised form (generator, dataclass, cycle ...). `reason` is why, such as `is nested deeper
   * than 200 levels`; both are the candidate's own description, a reason of at most 100 characters.
   */
  | { readonly status: 'unserialisable'; readonly typeName: string; readonly reason: string }
  /** An assertion of the test was false, after the candidate had been called. */
  | { readonly status: 'assertion'; readonly assertion: Assertion }
  /** The test's own code raised after a call had returned (for instance comparing with the wrong type). */
  | { readonly status: 'test_error'; readonly exception: ExceptionInfo; readonly assertion: Assertion | null }
  /** There was no program to run: generation itself failed (a prompt that leaves no room). Never comes from the sandbox. */
  | { readonly status: 'not_run'; readonly reason: string }
  /** The problem cannot be judged by values alone (its test builds objects of the solution's classes). Never executed, in no rate. */
  | { readonly status: 'unsupported'; readonly reason: string }
  /**
   * A cause that does not depend on the sample, never counted. Failures of the machine are retried and then reject, so what
   * arrives here is a fault of the problem: its test does not compile, fails, goes on or waits for too long before it has called the candidate, never
   * calls it, or comes to an exit, a loop without end or a wait whatever the candidate returns; or its prompt by itself does not compile or load.
   */
  | { readonly status: 'infra'; readonly reason: string };

export type Status = Outcome['status'];

/** What was seen whatever the outcome. */
export interface Measurements {
  readonly phase: Phase;
  /** Calls that the candidate answered (a value or an exception). */
  readonly calls: number;
  /**
   * Of `calls`, those that returned a plain value and had changed an argument meanwhile: the changes that are written back. Null where nothing was
   * executed, and in results of before it was counted.
   */
  readonly changedCalls: number | null;
  /** Whether every answered call returned None; false when there was no call. */
  readonly allNone: boolean;
  /** Stdout of the candidate, first 2,000 characters. */
  readonly stdout: string;
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  readonly peakMemoryBytes: number;
  /** Met a time limit, but finished at three times the limits: the run itself, again and alone, or what is looked at again after a failure. */
  readonly nearLimit: boolean;
  /**
   * The second pass, run where the first one failed by a value or in a call, or where the job asks for it (`ExecutionJob.tryAssertions`), and left no
   * threads; null where not measured, as are all below.
   */
  readonly assertions: AssertionTrials | null;
  /** The examples that the prompt shows (doctests and the like) tried in that pass, after its assertions; null where the program ended before. */
  readonly examples: { readonly total: number; readonly passed: number } | null;
  /**
   * Over all calls of that pass that the candidate answered with a value, the examples' included: `none` where all returned None. Else, where
   * at least two of them differ in their arguments, and two calls, answered or not, in their expected values: `constant` where all returned
   * the same value, `argument` where each returned one of its arguments as it was. Null where neither holds and where no call was
   * answered. Results of before `none` was told apart have `constant` or null in its place, and null where any call raised.
   */
  readonly returns: 'none' | 'constant' | 'argument' | null;
  readonly source: SourceFacts | null;
  /**
   * Of a program that passed, where the job asks: false where its text and the arguments of its calls leave no way in which its answers could depend
   * on the hash seed (`python/hash_seed.py`), true where they may or nobody can tell.
   */
  readonly hashSeedMayShow: boolean | null;
  readonly fragility: Fragility | null;
  /** Where a program that met its CPU limit was at that moment, by its own account. No result: it differs from run to run. */
  readonly stack: readonly Frame[] | null;
}

/** What nobody has looked at. */
export const NOT_MEASURED = {
  changedCalls: null,
  assertions: null,
  examples: null,
  returns: null,
  source: null,
  hashSeedMayShow: null,
  fragility: null,
  stack: null,
} as const;

/** An execution's full result. */
export interface Verdict {
  readonly passed: boolean;
  readonly outcome: Outcome;
  readonly measurements: Measurements;
}

/** The verdict of an execution about which nothing was measured and that passed nothing: it never began, or the processes that measure are gone. */
export function unmeasuredVerdict(outcome: Outcome, phase: Phase): Verdict {
  return {
    passed: false,
    outcome,
    measurements: {
      phase,
      calls: 0,
      allNone: false,
      stdout: '',
      cpuSeconds: 0,
      wallSeconds: 0,
      peakMemoryBytes: 0,
      nearLimit: false,
      ...NOT_MEASURED,
    },
  };
}

/** Isolation in force, best first. `none` only with `--unsafe-no-sandbox`. */
export type IsolationTier = 'namespaces' | 'landlock' | 'none';
