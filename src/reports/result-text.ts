/** A verdict as HumanEval's `result` column writes it, for tools that read that. The verdict itself says more. */
import type { Assertion, ExceptionInfo, Verdict } from '../sandbox/verdict.js';

/** How the text begins where there is no verdict on the sample; the reason follows. */
export const INFRASTRUCTURE = 'infrastructure: ';
/** How it begins where there can be none, because of the problem. */
export const UNSUPPORTED = 'unsupported: ';

/** `passed`, `timed out`, or `failed: ` and the reason in one line. */
export function resultText(verdict: Verdict): string {
  const { outcome } = verdict;
  switch (outcome.status) {
    case 'passed':
      return 'passed';
    case 'syntax':
    case 'exception':
      return `failed: ${exceptionText(outcome.exception)}`;
    case 'missing_entry_point':
      return `failed: the entry point is ${outcome.found === 'unbound' ? 'not defined' : 'not callable'}`;
    case 'limit':
      if (outcome.resource === 'cpu' || outcome.resource === 'blocked') return 'timed out';
      return outcome.exception === null ? `failed: ${outcome.resource} limit` : `failed: ${exceptionText(outcome.exception)}`;
    case 'exit':
      return outcome.via === 'SystemExit' ? `failed: SystemExit: ${outcome.code}` : `failed: exit with code ${outcome.code}`;
    case 'signal':
      return `failed: killed by ${outcome.signal}`;
    case 'forbidden':
      return 'failed: a system call that is not allowed';
    case 'tamper':
      return `failed: tampering: ${oneLine(outcome.evidence)}`;
    case 'unserialisable':
      return `failed: returned a ${outcome.typeName}, which ${oneLine(outcome.reason)}`;
    case 'assertion':
      return `failed: AssertionError: ${assertionText(outcome.assertion)}`;
    case 'test_error':
      return `failed: ${exceptionText(outcome.exception)}`;
    case 'not_run':
      return `failed: not run: ${oneLine(outcome.reason)}`;
    case 'unsupported':
      return `${UNSUPPORTED}${oneLine(outcome.reason)}`;
    case 'infra':
      return `${INFRASTRUCTURE}${oneLine(outcome.reason)}`;
  }
}

function exceptionText({ type, message }: ExceptionInfo): string {
  return message === '' ? type : `${type}: ${oneLine(message)}`;
}

function assertionText({ source, returned }: Assertion): string {
  return returned === null ? oneLine(source) : `${oneLine(source)} (returned ${oneLine(returned)})`;
}

function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ');
}
