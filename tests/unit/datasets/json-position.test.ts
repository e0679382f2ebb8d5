import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findJsonFault, offsetOfValue } from '../../../src/datasets/json-position.js';

describe('findJsonFault', () => {
  it.each([
    ['{"a": 1,}', 8, /field name/],
    ['{"task_id":', 11, /expected a value, but the line ends/],
    ['{"a" 1}', 5, /expected ":"/],
    ['{"a": tru}', 6, /expected a value/],
    ['[1 2]', 3, /expected "," or "]"/],
    ['{"a": "b', 6, /no closing quote/],
    ['{"a": "\\x"}', 7, /escape/],
    ['{"a": "\\u12g4"}', 7, /escape/],
    ['{"a": "\t"}', 7, /control character/],
    ['{"a": 01}', 7, /expected "," or "}"/],
    ["{'a': 1}", 1, /double quotes/],
    ['{} x', 3, /end of the line/],
    ['', 0, /expected a value/],
  ])('%j at %i', (text, offset, says) => {
    expect(() => JSON.parse(text) as unknown).toThrow();
    expect(findJsonFault(text)).toMatchObject({ offset, reason: expect.stringMatching(says) as string });
  });

  it('agrees with JSON.parse on what is JSON, for JSON and for damaged JSON', () => {
    const damaged = fc.tuple(fc.json(), fc.nat(), fc.constantFrom('', '"', ',', '}', '\\', '0', 'x')).map(([json, at, by]) => {
      const i = at % (json.length + 1);
      return json.slice(0, i) + by + json.slice(i + 1);
    });
    fc.assert(
      fc.property(fc.oneof(fc.json(), damaged, fc.string({ unit: fc.constantFrom(...Array.from('{}[]",:01e.-+ \\utrn')) })), (text) => {
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        expect(findJsonFault(text) === null, text).toBe(valid);
      }),
      { numRuns: 2000 },
    );
  });

  it('stands hostile nesting', () => {
    expect(findJsonFault('['.repeat(200_000))).toMatchObject({ offset: 200_000 });
  });
});

describe('offsetOfValue', () => {
  it('finds the value of an outermost key, whatever is nested or escaped', () => {
    const text = '{"x": {"a": 1}, "b\\u0061": [ {"a":2} ], "a" : "here", "last": null}';
    expect(text.slice(offsetOfValue(text, 'a')!, offsetOfValue(text, 'a')! + 6)).toBe('"here"');
    expect(text.slice(offsetOfValue(text, 'ba')!).startsWith('[')).toBe(true);
    expect(offsetOfValue(text, 'missing')).toBeNull();
  });
});
