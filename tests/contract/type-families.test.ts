/** Which types count as one another's: the judge asks it of values, the taxonomy of their types' names, and both must answer alike. */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { SCRIPTS } from '../../src/sandbox/launcher.js';
import { findPython } from '../../src/sandbox/python.js';
import { COMPARED_BY_VALUE } from '../../src/taxonomy/rules/wrong-type.js';

const PRINT =
  'import json, sys; sys.path.insert(0, sys.argv[1]); import relations; print(json.dumps([[k.__name__ for k in f] for f in relations.FAMILIES]))';

it('the families of types are the same in both languages', async () => {
  const python = await findPython(process.env['FAULTLINE_TEST_PYTHON']);
  const { stdout, stderr } = spawnSync(python.path, ['-S', '-B', '-c', PRINT, SCRIPTS], { encoding: 'utf8' });
  expect(stderr).toBe('');
  const sorted = (families: Iterable<Iterable<string>>): string[] => [...families].map((family) => [...family].sort().join(' ')).sort();
  expect(sorted(COMPARED_BY_VALUE)).toEqual(sorted(JSON.parse(stdout) as string[][]));
  expect(COMPARED_BY_VALUE.length).toBeGreaterThan(0);
});
