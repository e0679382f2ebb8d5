/**
 * Holds C++ to .clang-format: prints each file that differs and exits 1, or rewrites them with --fix.
 * Where clang-format is not installed it says so and exits 0: the linter in CI has it.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';

const files = ['native', 'tests/native', 'benchmarks/native', 'benchmarks/gpu']
  .flatMap((folder) => fs.readdirSync(folder, { recursive: true }).map((file) => `${folder}/${file}`))
  .filter((file) => /\.(cc|cu|h|inl)$/.test(file));
const run = spawnSync('clang-format', process.argv.includes('--fix') ? ['-i', ...files] : ['--dry-run', '--Werror', ...files], {
  stdio: 'inherit',
});
if (run.error) {
  console.warn('clang-format is not installed: the C++ sources were not checked (sudo apt-get install clang-format)');
} else {
  process.exit(run.status ?? 1);
}
