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
  /** Addresses normalised, truncated to 1,000 characters. */
  readonly message: string;
  readonly frames: readonly Frame[];
  /** The failing line in the program (innermost generated frame, or the syntax error's line), 1-based. */
  readonly line: number | null;
  /** 1-based column for syntax errors. */
  readonly column: number | null;
  readonly node: FailingNode | null;
}

/** One assertion of the test. */
export interface Assertion {
  /** 0-based, in source order as first reached. */
  readonly index: number;
  /** Source text, truncated to 300 characters. */
  readonly source: string;
  /** `repr` of what the candidate returned, truncated; null where it did not return. */
  readonly returned: string | null;
  /** Type name of what was returned. */
  readonly returnedType: string | null;
  /** `repr` of the expected value where the assertion has the form `candidate(...) == value`; else null. */
  readonly expected: string | null;
  readonly expectedType: string | null;
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
  /** A call returned a value that has no plain serialised form (generator, dataclass, cycle ...). */
  | { readonly status: 'unserialisable'; readonly typeName: string }
  /** An assertion of the test was false. */
  | { readonly status: 'assertion'; readonly assertion: Assertion }
  /** The test's own code raised after a call had returned (for instance comparing with the wrong type). */
  | { readonly status: 'test_error'; readonly exception: ExceptionInfo; readonly assertion: Assertion | null }
  /** There was no program to run: generation itself failed (a prompt that leaves no room). Never comes from the sandbox. */
  | { readonly status: 'not_run'; readonly reason: string }
  /**
   * A cause that does not depend on the sample, never counted. Failures of the machine are retried and then reject, so what
   * arrives here is a fault of the problem: its test does not compile, fails before it has called the candidate, or never calls it.
   */
  | { readonly status: 'infra'; readonly reason: string };

export type Status = Outcome['status'];

/** What was seen whatever the outcome. */
export interface Measurements {
  readonly phase: Phase;
  /** Calls that the candidate answered (a value or an exception). */
  readonly calls: number;
  /** Whether every answered call returned None; false when there was no call. */
  readonly allNone: boolean;
  /** Stdout of the candidate, first 2,000 characters. */
  readonly stdout: string;
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  readonly peakMemoryBytes: number;
  /** Met a limit, but finished when run again alone at three times the limits. */
  readonly nearLimit: boolean;
  /** Assertions of the test, counted in a second pass where the first one failed; null where not measured. */
  readonly assertions: { readonly total: number; readonly passed: number } | null;
}

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
      assertions: null,
    },
  };
}

/** Isolation in force, best first. `none` only with `--unsafe-no-sandbox`. */
export type IsolationTier = 'namespaces' | 'landlock' | 'none';
