/** The table of config entries is consistent with itself. */
import { describe, expect, it } from 'vitest';
import { ENTRIES, environmentName, isConfigKey, KEYS } from '../../../src/config/schema.js';
import { showBytes } from '../../../src/config/value-types.js';

describe('the table', () => {
  it('has defaults that its own types accept', () => {
    for (const key of KEYS) {
      const { type, default: value } = ENTRIES[key];
      const raw: unknown = typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value;
      expect(type.parse(raw), key).toEqual(value);
    }
  });

  it('documents every entry in one sentence', () => {
    for (const key of KEYS) expect(ENTRIES[key].doc, key).toMatch(/^[A-Z].*\.$/);
  });

  it('gives every entry its own variable', () => {
    expect(new Set(KEYS.map(environmentName)).size).toBe(KEYS.length);
  });

  it('has no entry that is also a section', () => {
    for (const key of KEYS)
      expect(
        KEYS.some((other) => other.startsWith(`${key}.`)),
        key,
      ).toBe(false);
    expect(isConfigKey('toString')).toBe(false);
  });

  it('shows sizes as they are written', () => {
    expect([showBytes(512 * 2 ** 20), showBytes(2 ** 30), showBytes(1000), showBytes(1536)]).toEqual(['512MiB', '1GiB', '1000B', '1536B']);
  });
});
