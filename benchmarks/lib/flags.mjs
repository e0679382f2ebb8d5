/**
 * A benchmark's flags. `--help` prints the comment that its file begins with, which says what is measured and how to run it,
 * and ends the process.
 */
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/**
 * @template {import('node:util').ParseArgsOptionsConfig} Options
 * @param {string} url `import.meta.url` of the benchmark
 * @param {Options} options as `parseArgs` takes them
 * @returns the flags' values. A flag that is not among them ends the process with code 2 and says where help is.
 */
export function parseFlags(url, options) {
  const file = fileURLToPath(url);
  if (process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) {
    const comment = /^\/\*\*\n(.*?)\n \*\/$/ms.exec(fs.readFileSync(file, 'utf8'))?.[1] ?? '';
    console.log(comment.replace(/^ \*( |$)/gm, ''));
    process.exit(0);
  }
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\nFlags: node ${file} --help`);
    process.exit(2);
  }
}
