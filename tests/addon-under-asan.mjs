/**
 * The addon under AddressSanitizer and UndefinedBehaviorSanitizer: `npm run test:asan:addon`. Adds it to the build of the
 * asan-ubsan preset, whose objects of the core it shares with `npm run test:asan`, and runs what goes through the addon and ends
 * models in the middle of things: the engine's lifecycle and requests. Fails when a test fails or a sanitizer reports something, leaks
 * at a process's end among it. node itself is not instrumented: of its memory only what it takes from malloc is watched.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const tests = ['tests/integration/engine/lifecycle.test.ts', 'tests/integration/engine/requests.test.ts'];

/** Runs a program to its end, and ends this one where it fails. */
function run(program, args, env = {}) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

// What cmake-js passes, from the same package: cmake-js itself knows no preset.
const headers = createRequire(require.resolve('cmake-js'))('node-api-headers').include_dir;
run('cmake', ['--preset', 'asan-ubsan', '-DFAULTLINE_NODE=ON', `-DCMAKE_JS_INC=${headers}`]);
run('cmake', ['--build', '--preset', 'asan-ubsan', '--target', 'faultline_addon']);

// The program that loads a library with the sanitizer must have it first, and node is not built with it.
const { stdout, error } = spawnSync('g++', ['-print-file-name=libasan.so'], { encoding: 'utf8' });
if (error !== undefined) throw error;
const runtime = stdout.trim();
if (!path.isAbsolute(runtime)) throw new Error("g++ has no libasan.so: install the compiler's sanitizer libraries");
run(process.execPath, [path.join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...tests], {
  LD_PRELOAD: runtime,
  FAULTLINE_ADDON: path.join(root, 'build/asan-ubsan/native/binding/faultline.node'),
  ASAN_OPTIONS: 'detect_leaks=1',
  LSAN_OPTIONS: `print_suppressions=0:suppressions=${path.join(root, 'tests/leaks-elsewhere.txt')}`,
  UBSAN_OPTIONS: 'print_stacktrace=1',
});
