/**
 * Builds the addon and the launcher into build/Release. Run by npm as the package's `install` script, and by hand as
 * `npm run build:native`. Checks the toolchain first, so that a missing tool is one sentence; prints CMake's output
 * only when something fails. Does not build tests (see CMakePresets.json) and downloads nothing: the Node-API headers
 * come from a package of the lock file.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(here);

const check = spawnSync(process.execPath, [path.join(here, 'toolchain', 'check.mjs')], { stdio: 'inherit' });
if (check.status !== 0) process.exit(1);

const require = createRequire(import.meta.url);
const cmakeJs = path.join(path.dirname(require.resolve('cmake-js/package.json')), 'bin', 'cmake-js');
const args = [cmakeJs, 'compile', '--directory', root, '--parallel', String(availableParallelism()), ...process.argv.slice(2)];
const build = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
if (build.status !== 0) {
  process.stderr.write(build.stdout + build.stderr);
  console.error('faultline: the native build failed; the compiler output is above. `npm run build:native` repeats it.');
  process.exit(1);
}
