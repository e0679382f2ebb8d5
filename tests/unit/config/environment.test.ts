/** Misspelt variables, and that the list of the others is what the sources read. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkEnvironment, OTHER_VARIABLES } from '../../../src/config/environment.js';
import { environmentName, KEYS } from '../../../src/config/schema.js';
import { FaultlineError } from '../../../src/errors.js';

const root = path.resolve(import.meta.dirname, '../../..');

describe('checkEnvironment', () => {
  it('takes every variable there is, and those of others', () => {
    const ours = [...KEYS.map(environmentName), ...Object.keys(OTHER_VARIABLES)];
    const environment = Object.fromEntries([...ours, 'PATH', 'MY_FAULTLINE_X'].map((name) => [name, '1']));
    expect(() => {
      checkEnvironment({ ...environment, FAULTLINE_NOT_SET: undefined });
    }).not.toThrow();
  });

  it.each([
    ['FAULTLINE_SAMPEL', 'Did you mean FAULTLINE_SAMPLES?'],
    ['FAULTLINE_HOEM', 'FAULTLINE_HOME'],
    ['FAULTLINE_SOMETHING_ELSE_ENTIRELY', 'Unset it'],
  ])('refuses %s', (name, hint) => {
    let thrown: unknown;
    try {
      checkEnvironment({ [name]: '5' });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(FaultlineError);
    const error = thrown as FaultlineError;
    expect([error.kind, error.message]).toEqual(['usage', `unknown variable ${name}`]);
    expect(error.hint).toContain(hint);
  });

  it('lists what the sources read', () => {
    const read = new Set<string>();
    for (const folder of ['src', 'tests', 'native', 'bin']) {
      for (const file of fs.readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })) {
        if (!/\.(ts|mjs|js|cc|cu|h)$/.test(file)) continue;
        const text = fs.readFileSync(path.join(root, folder, file), 'utf8');
        const uses = /(?:process\.env(?:\.|\[')|(?:getenv|environment)\(")(FAULTLINE_[A-Z_]+)|(FAULTLINE_[A-Z_]+)[^{}]*\} = process\.env/g;
        for (const [, direct, taken] of text.matchAll(uses)) read.add((direct ?? taken)!);
      }
    }
    expect([...read].sort()).toEqual(Object.keys(OTHER_VARIABLES).sort());
  });
});
