/** The public surface: small, in one place, and complete enough for the example in Model's documentation. */
import { describe, expect, it } from 'vitest';
import * as faultline from '../../src/index.js';

describe('the library', () => {
  it('exports exactly what it promises', () => {
    expect(Object.keys(faultline).sort()).toEqual([
      'ExitCode',
      'FaultlineError',
      'Model',
      'PROMPT_BOUNDARIES',
      'TokenModel',
      'loadProblems',
    ]);
  });

  it('loads without touching the addon: errors come with the first model, in words', async () => {
    await expect(faultline.Model.load('/no/such/folder')).rejects.toBeInstanceOf(faultline.FaultlineError);
  });
});
