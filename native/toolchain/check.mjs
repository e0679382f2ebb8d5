/**
 * Says in one sentence what this machine lacks to build faultline, and how to get it. Builds nothing itself.
 *
 * It is a package of its own because npm runs the `preinstall` of every dependency before the `install` of any: so
 * this sentence comes first, instead of a page of node-gyp output from the first native dependency that fails.
 * Run by hand: `node native/toolchain/check.mjs` (exit 0: all there; exit 1: one sentence on stderr).
 */
import { spawnSync } from 'node:child_process';

/** Debian's package, the command tried, and the oldest version that will do. First success per row wins. */
const needs = [
  {
    what: 'a C++20 compiler (g++ 11 or clang++ 14)',
    packages: ['g++'],
    commands: [process.env.CXX, 'c++', 'g++', 'clang++'],
    args: ['-dumpversion'],
    oldest: [11],
  },
  { what: 'make', packages: ['make'], commands: [process.env.MAKE, 'make'], args: ['--version'], oldest: [3] },
  { what: 'cmake 3.20', packages: ['cmake'], commands: ['cmake'], args: ['--version'], oldest: [3, 20] },
  { what: 'python3 3.9', packages: ['python3'], commands: [process.env.PYTHON, 'python3'], args: ['--version'], oldest: [3, 9] },
];

/** The first dotted number that a command prints, as numbers; null when it does not run. */
function versionOf(command, args) {
  const run = spawnSync(command, args, { encoding: 'utf8' });
  if (run.error || run.status !== 0) return null;
  const found = /\d+(\.\d+)*/.exec(run.stdout + run.stderr);
  return found ? found[0].split('.').map(Number) : null;
}

const atLeast = (have, want) => {
  for (let i = 0; i < want.length; i++) if ((have[i] ?? 0) !== want[i]) return (have[i] ?? 0) > want[i];
  return true;
};

const missing = needs.filter(
  ({ commands, args, oldest }) =>
    !commands.filter(Boolean).some((command) => {
      const have = versionOf(command, args);
      return have !== null && atLeast(have, oldest);
    }),
);

if (missing.length > 0) {
  const list = missing.map((need) => need.what).join(' and ');
  const packages = missing.flatMap((need) => need.packages).join(' ');
  const fix =
    process.platform === 'darwin'
      ? 'xcode-select --install && brew install cmake python3'
      : `sudo apt-get install -y ${packages}  (or your system's equivalent)`;
  console.error(`faultline is built on this machine and needs ${list}: ${fix}, then run the command again.`);
  process.exit(1);
}
