/**
 * Turns src/ into dist/: the TypeScript compiler, then the files it does not know (Python, SQL). Run by npm as
 * `prepare`, and by hand as `npm run build`. Anything in src/ that is neither TypeScript, nor this script, nor a document is copied.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const source = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(source);
const output = path.join(root, 'dist');

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const compile = spawnSync(process.execPath, [tsc, '-p', path.join(root, 'tsconfig.json'), ...process.argv.slice(2)], { stdio: 'inherit' });
if (compile.status !== 0) process.exit(1);

for (const entry of fs.readdirSync(source, { recursive: true, withFileTypes: true })) {
  const file = path.join(entry.parentPath, entry.name);
  if (!entry.isFile() || /\.(ts|mjs|pyc|md)$/.test(entry.name)) continue;
  const target = path.join(output, path.relative(source, file));
  fs.mkdirSync(path.dirname(target), { recursive: true });
  fs.copyFileSync(file, target);
}
