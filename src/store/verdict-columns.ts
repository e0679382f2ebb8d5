/** A verdict as columns of the tables `verdicts` and `executions`, and back. Pure: no SQL, and nothing is lost on the way. */
import { FaultlineError } from '../errors.js';
import type {
  Assertion,
  AssertionTrial,
  ExceptionInfo,
  Fragility,
  Frame,
  Local,
  Measurements,
  Outcome,
  SourceFacts,
  Verdict,
} from '../sandbox/verdict.js';
import { storable, storableOrNull } from './text.js';

/** Result columns. What the status does not use is null. */
export interface VerdictColumns {
  passed: number;
  status: string;
  phase: string;
  calls: number;
  changedCalls: number | null;
  allNone: number;
  stdout: string;
  detail: string | null;
  refusal: string | null;
  exitCode: number | null;
  exceptionPhase: string | null;
  exceptionType: string | null;
  exceptionMessage: string | null;
  exceptionLine: number | null;
  exceptionColumn: number | null;
  exceptionNode: string | null;
  exceptionStatement: string | null;
  exceptionBases: string | null;
  exceptionFrames: string | null;
  exceptionLocals: string | null;
  exceptionErrno: number | null;
  assertionIndex: number | null;
  assertionSource: string | null;
  returned: string | null;
  returnedType: string | null;
  expected: string | null;
  expectedType: string | null;
  assertionsTotal: number | null;
  assertionsPassed: number | null;
  trials: string | null;
  examplesTotal: number | null;
  examplesPassed: number | null;
  returns: string | null;
  source: string | null;
  hashSeedMayShow: number | null;
  hashSeedsTried: number | null;
  hashSeedsFailed: number | null;
  furtherTest: number | null;
}

/** Measured columns: they differ from run to run. */
export interface CostColumns {
  cpuSeconds: number;
  wallSeconds: number;
  peakMemoryBytes: number;
  nearLimit: number;
  slowdown: number | null;
  stack: string | null;
}

export function toVerdictColumns({ passed, outcome, measurements }: Verdict): VerdictColumns {
  return {
    passed: Number(passed),
    status: outcome.status,
    phase: measurements.phase,
    calls: measurements.calls,
    changedCalls: measurements.changedCalls,
    allNone: Number(measurements.allNone),
    stdout: storable(measurements.stdout),
    detail: storableOrNull(detailOf(outcome)),
    refusal: outcome.status === 'unserialisable' ? storable(outcome.reason) : null,
    exitCode: outcome.status === 'exit' ? outcome.code : null,
    exceptionPhase: outcome.status === 'exception' ? outcome.phase : null,
    ...exceptionColumns('exception' in outcome ? outcome.exception : null),
    ...assertionColumns('assertion' in outcome ? outcome.assertion : null),
    assertionsTotal: measurements.assertions?.total ?? null,
    assertionsPassed: measurements.assertions?.passed ?? null,
    trials: jsonOrNull(measurements.assertions?.trials?.map(trialInOrder)),
    examplesTotal: measurements.examples?.total ?? null,
    examplesPassed: measurements.examples?.passed ?? null,
    returns: measurements.returns,
    source: jsonOrNull(measurements.source === null ? null : sourceInOrder(measurements.source)),
    hashSeedMayShow: measurements.hashSeedMayShow === null ? null : Number(measurements.hashSeedMayShow),
    hashSeedsTried: measurements.fragility?.hashSeeds.tried ?? null,
    hashSeedsFailed: measurements.fragility?.hashSeeds.failed ?? null,
    furtherTest: measurements.fragility?.furtherTest == null ? null : Number(measurements.fragility.furtherTest),
  };
}

export function toCostColumns({ measurements }: Verdict): CostColumns {
  return {
    cpuSeconds: measurements.cpuSeconds,
    wallSeconds: measurements.wallSeconds,
    peakMemoryBytes: measurements.peakMemoryBytes,
    nearLimit: Number(measurements.nearLimit),
    slowdown: measurements.fragility?.slowdown ?? null,
    stack: jsonOrNull(measurements.stack?.map(frameInOrder)),
  };
}

export function fromColumns(columns: VerdictColumns & CostColumns): Verdict {
  return {
    passed: columns.passed === 1,
    outcome: outcomeOf(columns),
    measurements: {
      phase: columns.phase as Verdict['measurements']['phase'],
      calls: columns.calls,
      changedCalls: columns.changedCalls,
      allNone: columns.allNone === 1,
      stdout: columns.stdout,
      cpuSeconds: columns.cpuSeconds,
      wallSeconds: columns.wallSeconds,
      peakMemoryBytes: columns.peakMemoryBytes,
      nearLimit: columns.nearLimit === 1,
      assertions: assertionsOf(columns),
      examples: examplesOf(columns),
      returns: columns.returns as Measurements['returns'],
      source: parsedOrNull(columns.source) as SourceFacts | null,
      hashSeedMayShow: columns.hashSeedMayShow === null ? null : columns.hashSeedMayShow === 1,
      fragility: fragilityOf(columns),
      stack: parsedOrNull(columns.stack) as Frame[] | null,
    },
  };
}

function assertionsOf({ assertionsTotal, assertionsPassed, trials }: VerdictColumns): Measurements['assertions'] {
  if (assertionsTotal === null || assertionsPassed === null) return null;
  return { total: assertionsTotal, passed: assertionsPassed, trials: parsedOrNull(trials) as AssertionTrial[] | null };
}

function examplesOf({ examplesTotal, examplesPassed }: VerdictColumns): Measurements['examples'] {
  return examplesTotal === null || examplesPassed === null ? null : { total: examplesTotal, passed: examplesPassed };
}

function fragilityOf({ hashSeedsTried, hashSeedsFailed, furtherTest, slowdown }: VerdictColumns & CostColumns): Fragility | null {
  if (hashSeedsTried === null || hashSeedsFailed === null) return null;
  return {
    hashSeeds: { tried: hashSeedsTried, failed: hashSeedsFailed },
    furtherTest: furtherTest === null ? null : furtherTest === 1,
    slowdown,
  };
}

// JSON columns are compared as texts: fields stand in a fixed order, whatever the order they came in.

function frameInOrder({ where, function: name, line }: Frame): Frame {
  return { where, function: name, line };
}

function localInOrder({ name, value }: Local): Local {
  return { name, value };
}

function trialInOrder({ index, held, visible, traits, relations }: AssertionTrial): AssertionTrial {
  return { index, held, visible, traits, relations };
}

function sourceInOrder(facts: SourceFacts): SourceFacts {
  const {
    parses,
    tokens,
    foreignTokens,
    lines,
    foreignLines,
    undefinedNames,
    undefinedCalls,
    deadStatements,
    callsInput,
    redefined,
    oneEdit,
  } = facts;
  const counted = lines === undefined || foreignLines === undefined ? {} : { lines, foreignLines };
  const tried = oneEdit === undefined ? {} : { oneEdit: { kind: oneEdit.kind, passes: oneEdit.passes } };
  return { parses, tokens, foreignTokens, ...counted, undefinedNames, undefinedCalls, deadStatements, callsInput, redefined, ...tried };
}

function jsonOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : storable(JSON.stringify(value));
}

/** Trusts its text as far as this module wrote it. */
function parsedOrNull(text: string | null): unknown {
  return text === null ? null : JSON.parse(text);
}

/** The one word that a status carries beside exception, assertion and exit code. */
function detailOf(outcome: Outcome): string | null {
  switch (outcome.status) {
    case 'missing_entry_point':
      return outcome.found;
    case 'limit':
      return outcome.resource;
    case 'exit':
      return outcome.via;
    case 'signal':
    case 'forbidden':
      return outcome.signal;
    case 'tamper':
      return outcome.evidence;
    case 'unserialisable':
      return outcome.typeName;
    case 'not_run':
    case 'unsupported':
    case 'infra':
      return outcome.reason;
    case 'passed':
    case 'syntax':
    case 'exception':
    case 'assertion':
    case 'test_error':
      return null;
  }
}

/** Trusts its columns as far as this module wrote them; a status it does not know throws `input`. */
function outcomeOf(columns: VerdictColumns): Outcome {
  const status = columns.status as Outcome['status'];
  const detail = columns.detail ?? '';
  switch (status) {
    case 'passed':
      return { status };
    case 'syntax':
      return { status, exception: present(exceptionOf(columns), columns) };
    case 'exception':
      return { status, phase: columns.exceptionPhase as 'load' | 'call', exception: present(exceptionOf(columns), columns) };
    case 'missing_entry_point':
      return { status, found: detail as 'unbound' | 'not_callable' };
    case 'limit':
      return { status, resource: detail as Extract<Outcome, { status: 'limit' }>['resource'], exception: exceptionOf(columns) };
    case 'exit':
      return { status, code: columns.exitCode ?? 0, via: detail as 'SystemExit' | 'process' };
    case 'signal':
      return { status, signal: detail };
    case 'forbidden':
      return { status, signal: detail as 'SIGSYS' };
    case 'tamper':
      return { status, evidence: detail };
    case 'unserialisable':
      // All that was kept of it before the column came.
      return { status, typeName: detail, reason: columns.refusal ?? 'has no plain form' };
    case 'assertion':
      return { status, assertion: present(assertionOf(columns), columns) };
    case 'test_error':
      return { status, exception: present(exceptionOf(columns), columns), assertion: assertionOf(columns) };
    case 'not_run':
    case 'unsupported':
    case 'infra':
      return { status, reason: detail };
    default:
      throw new FaultlineError('input', `the database holds a verdict of unknown status ${String(status)}`, {
        hint: 'Another program wrote it; restore the database from a copy.',
      });
  }
}

function present<T>(value: T | null, columns: VerdictColumns): T {
  if (value !== null) return value;
  throw new FaultlineError('input', `the database holds a verdict of status ${columns.status} without the columns it needs`, {
    hint: 'Another program wrote it; restore the database from a copy.',
  });
}

type ExceptionColumns = Pick<
  VerdictColumns,
  | 'exceptionType'
  | 'exceptionMessage'
  | 'exceptionLine'
  | 'exceptionColumn'
  | 'exceptionNode'
  | 'exceptionStatement'
  | 'exceptionLocals'
  | 'exceptionErrno'
  | 'exceptionBases'
  | 'exceptionFrames'
>;

function exceptionColumns(exception: ExceptionInfo | null): ExceptionColumns {
  return {
    exceptionType: storableOrNull(exception?.type ?? null),
    exceptionMessage: storableOrNull(exception?.message ?? null),
    exceptionLine: exception?.line ?? null,
    exceptionColumn: exception?.column ?? null,
    exceptionNode: exception?.node ?? null,
    exceptionStatement: storableOrNull(exception?.statement ?? null),
    exceptionBases: exception === null ? null : storable(JSON.stringify(exception.bases)),
    exceptionFrames: jsonOrNull(exception?.frames.map(frameInOrder)),
    exceptionLocals: jsonOrNull(exception?.locals.map(localInOrder)),
    exceptionErrno: exception?.errno ?? null,
  };
}

function exceptionOf(columns: ExceptionColumns): ExceptionInfo | null {
  if (columns.exceptionType === null) return null;
  return {
    type: columns.exceptionType,
    bases: JSON.parse(columns.exceptionBases ?? '[]') as string[],
    message: columns.exceptionMessage ?? '',
    frames: JSON.parse(columns.exceptionFrames ?? '[]') as Frame[],
    line: columns.exceptionLine,
    column: columns.exceptionColumn,
    node: columns.exceptionNode as ExceptionInfo['node'],
    statement: columns.exceptionStatement,
    locals: JSON.parse(columns.exceptionLocals ?? '[]') as Local[],
    ...(columns.exceptionErrno === null ? {} : { errno: columns.exceptionErrno }),
  };
}

type AssertionColumns = Pick<
  VerdictColumns,
  'assertionIndex' | 'assertionSource' | 'returned' | 'returnedType' | 'expected' | 'expectedType'
>;

function assertionColumns(assertion: Assertion | null): AssertionColumns {
  return {
    assertionIndex: assertion?.index ?? null,
    assertionSource: storableOrNull(assertion?.source ?? null),
    returned: storableOrNull(assertion?.returned ?? null),
    returnedType: storableOrNull(assertion?.returnedType ?? null),
    expected: storableOrNull(assertion?.expected ?? null),
    expectedType: storableOrNull(assertion?.expectedType ?? null),
  };
}

function assertionOf(columns: AssertionColumns): Assertion | null {
  if (columns.assertionIndex === null) return null;
  return {
    index: columns.assertionIndex,
    source: columns.assertionSource ?? '',
    returned: columns.returned,
    returnedType: columns.returnedType,
    expected: columns.expected,
    expectedType: columns.expectedType,
  };
}
