/** Verdicts for tests that need one and not any: a call that was answered, and nothing looked at more closely. Holds no test. */
import { NOT_MEASURED, type Measurements, type Outcome, type Verdict } from '../../../src/sandbox/verdict.js';

export function measurements(fields: Partial<Measurements> = {}): Measurements {
  return {
    phase: 'call',
    calls: 1,
    allNone: false,
    stdout: '',
    cpuSeconds: 0.01,
    wallSeconds: 0.02,
    peakMemoryBytes: 9_000_000,
    nearLimit: false,
    ...NOT_MEASURED,
    ...fields,
  };
}

export function verdict(outcome: Outcome, measured: Partial<Measurements> = {}): Verdict {
  return { passed: outcome.status === 'passed', outcome, measurements: measurements(measured) };
}
