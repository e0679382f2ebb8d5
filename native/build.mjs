/**
 * Builds the addon and the launcher into build/Release. Run by npm as the package's `install` script, and by hand as
 * `npm run build:native`. Checks the toolchain first, so that a missing tool is one sentence; prints CMake's output
 * only when something fails. Does not build tests (see CMakePresets.json) and downloads nothing: the Node-API headers
 * come from a package of the lock file.
 *
 * FAULTLINE_CUDA says whether the library of the CUDA backend is built as well: AUTO (the default) where there is a GPU and
 * nvcc, ON wherever there is nvcc, OFF never.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(here);

const check = spawnSync(process.execPath, [path.join(here, 'toolchain', 'check.mjs')], { stdio: 'inherit' });
if (check.status !== 0) process.exit(1);

const CUDA_CHOICES = ['AUTO', 'ON', 'OFF'];
const cuda = process.env['FAULTLINE_CUDA'] || 'AUTO';
if (!CUDA_CHOICES.includes(cuda)) {
  console.error(`faultline: FAULTLINE_CUDA is ${cuda}, expected ${CUDA_CHOICES.join(', ')}. Set one of them, or unset it for AUTO.`);
  process.exit(1);
}
// The engine loads the library when it is there, so one of an earlier build has to go.
if (cuda === 'OFF') rmSync(path.join(root, 'build', 'Release', 'libfaultline_cuda.so'), { force: true });

const require = createRequire(import.meta.url);
const cmakeJs = path.join(path.dirname(require.resolve('cmake-js/package.json')), 'bin', 'cmake-js');
const options = ['--directory', root, '--parallel', String(availableParallelism()), `--CDFAULTLINE_CUDA=${cuda}`];
for (const verb of verbs()) {
  const args = [cmakeJs, verb, ...options, ...process.argv.slice(2)];
  const build = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (build.status === 0) continue;
  process.stderr.write(build.stdout + build.stderr);
  console.error('faultline: the native build failed; the compiler output is above. `npm run build:native` repeats it.');
  process.exit(1);
}

/**
 * What cmake-js has to do. It configures a build folder once, and by now FAULTLINE_CUDA or the machine's compilers may be
 * others; a folder that came from elsewhere cannot be configured again, and is made anew.
 */
function verbs() {
  const cache = path.join(root, 'build', 'CMakeCache.txt');
  if (!existsSync(cache)) return ['compile'];
  const own = readFileSync(cache, 'utf8').includes(`CMAKE_HOME_DIRECTORY:INTERNAL=${root}\n`);
  return own ? ['configure', 'compile'] : ['rebuild'];
}
