/**
 * A benchmark's flags. `--help` prints the comment that its file begins with, which says what is measured and how to run it,
 * and ends the process.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/**
 * What a flag's value must be: in words, and whether a text is that.
 * @typedef {object} Check
 * @property {string} allowed
 * @property {(text: string) => boolean} holds
 */

/** @returns {Check} */
export function wholeNumber(least = 1, most = 2 ** 31 - 1) {
  const allowed = most === 2 ** 31 - 1 ? `a whole number of at least ${least}` : `a whole number from ${least} to ${most}`;
  return { allowed, holds: (text) => /^\d{1,10}$/.test(text) && Number(text) >= least && Number(text) <= most };
}

/** @returns {Check} */
export function oneOf(/** @type {readonly string[]} */ words) {
  return { allowed: `one of ${words.join(', ')}`, holds: (text) => words.includes(text) };
}

/** @returns {Check} */
export function listOf(/** @type {Check} */ { allowed, holds }) {
  return { allowed: `${allowed}, or several with commas between`, holds: (text) => text.split(',').every((part) => holds(part)) };
}

/** @type {Check} */
export const positive = { allowed: 'a number above 0', holds: (text) => /^[\d.]+$/.test(text) && Number(text) > 0 };

/** @type {Check} */
export const existing = { allowed: 'a file or folder that is there', holds: (text) => fs.existsSync(text) };

/** @type {Check} */
export const output = { allowed: 'a file in a folder that is there', holds: (text) => text !== '' && fs.existsSync(path.dirname(text)) };

/** @type {Check} */
export const program = {
  allowed: 'a program that can be started',
  holds: (text) => text !== '' && spawnSync(text, ['--version'], { stdio: 'ignore' }).error === undefined,
};

/**
 * @template {Record<string, import('node:util').ParseArgsOptionsConfig[string] & {check?: Check}>} Options
 * @param {string} url `import.meta.url` of the benchmark
 * @param {Options} options as `parseArgs` takes them, with what the value must be
 * @returns the flags' values. A flag that is not among them ends the process with code 2 and says where help is, a bad value with code 2
 *   and one line that names flag, value and what is allowed. So does a default that is not there.
 */
export function parseFlags(url, options) {
  const file = fileURLToPath(url);
  if (process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) {
    const comment = /^\/\*\*\n(.*?)\n \*\/$/ms.exec(fs.readFileSync(file, 'utf8'))?.[1] ?? '';
    console.log(comment.replace(/^ \*( |$)/gm, ''));
    process.exit(0);
  }
  try {
    const { values } = parseArgs({ options });
    for (const [name, { check }] of Object.entries(options)) {
      const text = /** @type {Record<string, unknown>} */ (values)[name];
      if (check === undefined || typeof text !== 'string' || check.holds(text)) continue;
      console.error(`--${name}: expected ${check.allowed}, got ${JSON.stringify(text)}`);
      process.exit(2);
    }
    return values;
  } catch (error) {
    // The first line: the others say how parseArgs takes values that begin with a dash.
    console.error(`${/** @type {Error} */ (error).message.split('\n')[0]} Flags: node ${file} --help`);
    process.exit(2);
  }
}
