/** The sandbox's Python, tested in Python itself: values on the wire, relations between them, examples, facts of a program's text, the hash seed,
 * what is said of failures, what the judge takes itself. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { SCRIPTS } from '../../../src/sandbox/launcher.js';
import { findPython } from '../../../src/sandbox/python.js';

it.each([
  ['wire.py', 'values keep their exact types and identities, and malformed bytes are refused'],
  ['relations.py', 'relations, traits and examples are found, and no value or prompt breaks them'],
  ['description.py', 'values and exceptions have a text whatever they are, and tests tell what they expect and where none passes them'],
  ['describer.py', 'failures have their place and statement, and comparisons their author'],
  ['link.py', 'requests and reports arrive whole, and a stream that is cut off has ended'],
  ['hash_seed.py', 'no program in which the hash seed shows is called independent of it, ordinary ones are, and no text breaks that'],
  ['hash_seed_fuzz.py', 'programs made at random that are called independent of the hash seed have the same answers under several'],
  ['own_time.py', 'what the judge waits for and computes is told apart, from each other and from what others have it wait for'],
  ['source.py', 'foreign tokens, undefined names and dead statements are found, and no text breaks that'],
])('%s: %s', async (name) => {
  const python = await findPython(process.env['FAULTLINE_TEST_PYTHON']);
  const script = path.join(path.dirname(fileURLToPath(import.meta.url)), name);
  // New values each time; a failure's message has the command with its seed.
  const seed = Math.floor(Math.random() * 2 ** 31);
  const { stdout } = await promisify(execFile)(python.path, ['-S', '-B', script, SCRIPTS, String(seed)]);
  expect(stdout).toBe('ok\n');
});
