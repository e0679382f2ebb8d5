/** One verdict in words, for people. Names no category: that is the taxonomy's. */
import type { ExceptionInfo, LimitedResource, Verdict } from '../sandbox/verdict.js';
import type { FailureDescription } from './report-data.js';

const LIMITS: Readonly<Record<LimitedResource, string>> = {
  cpu: 'stopped by the CPU limit',
  memory: 'stopped by the memory limit',
  output: 'stopped by the output limit',
  blocked: 'stopped while waiting: used no CPU and did not end',
  processes: 'stopped by the limit on processes',
  files: 'stopped by the limit on files',
};

/** What a verdict came to and where; `line` counts in prompt + completion. Texts of the candidate are passed on as they are. */
export function describeFailure(verdict: Verdict): FailureDescription {
  const { outcome } = verdict;
  switch (outcome.status) {
    case 'passed':
      return at('passed', null);
    case 'syntax':
    case 'exception':
      return at(named(outcome.exception), outcome.exception);
    case 'missing_entry_point':
      return at(outcome.found === 'unbound' ? 'the entry point is not defined' : 'the entry point is not callable', null);
    case 'limit':
      return at(LIMITS[outcome.resource], outcome.exception);
    case 'exit':
      return at(outcome.via === 'SystemExit' ? `SystemExit(${outcome.code})` : `the process ended with code ${outcome.code}`, null);
    case 'signal':
      return at(`killed by ${outcome.signal}`, null);
    case 'forbidden':
      return at(`killed by the system-call filter (${outcome.signal})`, null);
    case 'tamper':
      return at(`tampering: ${outcome.evidence}`, null);
    case 'unserialisable':
      return at(`returned a ${outcome.typeName}, which ${outcome.reason}`, null);
    case 'assertion':
      return { ...at('an assertion of the test is false', null), assertion: outcome.assertion };
    case 'test_error':
      // The exception is the test's own: its line is none of the program's.
      return { ...at(`the test raised ${named(outcome.exception)}`, null), assertion: outcome.assertion };
    case 'not_run':
      return at(`not run: ${outcome.reason}`, null);
    case 'unsupported':
      return at(`unsupported: ${outcome.reason}`, null);
    case 'infra':
      return at(`infrastructure: ${outcome.reason}`, null);
  }
}

function at(headline: string, exception: ExceptionInfo | null): FailureDescription {
  return {
    headline,
    line: exception?.line ?? null,
    column: exception?.column ?? null,
    node: exception?.node ?? null,
    assertion: null,
  };
}

function named(exception: ExceptionInfo): string {
  return exception.message === '' ? exception.type : `${exception.type}: ${exception.message}`;
}
