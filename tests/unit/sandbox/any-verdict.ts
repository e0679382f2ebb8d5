/** Arbitrary verdicts for property tests: every variant of every field that `verdict.ts` allows. Holds no test. */
import fc from 'fast-check';
import type { AssertionTrials, ExceptionInfo, Fragility, Frame, Measurements, Outcome, SourceFacts } from '../../../src/sandbox/verdict.js';

const oneOf = <const T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

/** @param text every string field; @param type exception class names */
export function anyOutcome(text: fc.Arbitrary<string>, type: fc.Arbitrary<string> = text): fc.Arbitrary<Outcome> {
  const maybe = fc.option(text);
  const exception: fc.Arbitrary<ExceptionInfo> = fc.record(
    {
      type,
      bases: fc.array(type, { maxLength: 4 }),
      message: text,
      frames: fc.array(anyFrame(text), { maxLength: 3 }),
      line: fc.option(fc.integer()),
      column: fc.option(fc.integer()),
      node: fc.option(oneOf('raise', 'assert', 'import', 'other')),
      statement: maybe,
      locals: fc.array(fc.record({ name: text, value: text }), { maxLength: 3 }),
      errno: fc.integer(),
    },
    { requiredKeys: ['type', 'bases', 'message', 'frames', 'line', 'column', 'node', 'statement', 'locals'] },
  );
  const assertion = fc.record({
    index: fc.nat(),
    source: text,
    returned: maybe,
    returnedType: maybe,
    expected: maybe,
    expectedType: maybe,
  });
  return fc.oneof(
    fc.constant<Outcome>({ status: 'passed' }),
    fc.record({ status: oneOf('syntax'), exception }),
    fc.record({ status: oneOf('exception'), phase: oneOf('load', 'call'), exception }),
    fc.record({ status: oneOf('missing_entry_point'), found: oneOf('unbound', 'not_callable') }),
    fc.record({
      status: oneOf('limit'),
      resource: oneOf('cpu', 'memory', 'output', 'blocked', 'processes', 'files'),
      exception: fc.option(exception),
    }),
    fc.record({ status: oneOf('exit'), code: fc.integer(), via: oneOf('SystemExit', 'process') }),
    fc.record({ status: oneOf('signal'), signal: text }),
    fc.constant<Outcome>({ status: 'forbidden', signal: 'SIGSYS' }),
    fc.record({ status: oneOf('tamper'), evidence: text }),
    fc.record({ status: oneOf('unserialisable'), typeName: text, reason: text }),
    fc.record({ status: oneOf('assertion'), assertion }),
    fc.record({ status: oneOf('test_error'), exception, assertion: fc.option(assertion) }),
    fc.record({ status: oneOf('not_run', 'unsupported', 'infra'), reason: text }),
  );
}

export function anyMeasurements(text: fc.Arbitrary<string>): fc.Arbitrary<Measurements> {
  const assertions: fc.Arbitrary<AssertionTrials> = fc.record({
    total: fc.nat(),
    passed: fc.nat(),
    trials: fc.option(
      fc.array(
        fc.record({
          index: fc.nat(),
          held: fc.boolean(),
          visible: fc.option(fc.boolean()),
          traits: fc.subarray(['empty', 'zero', 'one', 'negative', 'duplicates'] as const).map((some) => [...some]),
          relations: fc.option(
            fc.subarray(['type', 'order', 'repeats', 'off_by_one', 'rounding', 'in_place', 'unaliased'] as const).map((some) => [...some]),
          ),
        }),
        { maxLength: 4 },
      ),
    ),
  });
  const facts = {
    parses: fc.boolean(),
    tokens: fc.nat(),
    foreignTokens: fc.nat(),
    undefinedNames: fc.array(text, { maxLength: 3 }),
    undefinedCalls: fc.array(text, { maxLength: 3 }),
    deadStatements: fc.nat(),
    callsInput: fc.boolean(),
    redefined: fc.array(text, { maxLength: 3 }),
  };
  const source: fc.Arbitrary<SourceFacts> = fc.oneof(
    fc.record(facts),
    fc.record({ ...facts, lines: fc.nat(), foreignLines: fc.nat() }),
    fc.record({ ...facts, oneEdit: fc.record({ kind: oneOf('import', 'indentation', 'return'), passes: fc.boolean() }) }),
  );
  const fragility: fc.Arbitrary<Fragility> = fc.record({
    hashSeeds: fc.record({ tried: fc.nat(), failed: fc.nat() }),
    furtherTest: fc.option(fc.boolean()),
    slowdown: fc.option(fc.double({ noNaN: true, min: 0 })),
  });
  return fc.record({
    phase: oneOf('compile', 'load', 'call'),
    calls: fc.nat(),
    changedCalls: fc.option(fc.nat()),
    allNone: fc.boolean(),
    stdout: text,
    cpuSeconds: fc.double({ noNaN: true }),
    wallSeconds: fc.double({ noNaN: true }),
    peakMemoryBytes: fc.nat(),
    nearLimit: fc.boolean(),
    assertions: fc.option(assertions),
    examples: fc.option(fc.record({ total: fc.nat(), passed: fc.nat() })),
    returns: fc.option(oneOf('none', 'constant', 'argument')),
    source: fc.option(source),
    hashSeedMayShow: fc.option(fc.boolean()),
    fragility: fc.option(fragility),
    stack: fc.option(fc.array(anyFrame(text), { maxLength: 3 })),
  });
}

function anyFrame(text: fc.Arbitrary<string>): fc.Arbitrary<Frame> {
  return fc.record({ where: oneOf('sample', 'prompt', 'library'), function: text, line: fc.integer() });
}
