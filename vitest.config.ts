import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/**
 * Files that load every core themselves or on purpose, fill a disk, look at the time that was waited for a core or hold a timer to its interval: one
 * at a time, with nothing else running.
 */
const ALONE = [
  'tests/integration/sandbox/{agreement,blocked,fragile-stability,measurements,stability}.test.ts',
  'tests/integration/cli/{full-disk,kills}.test.ts',
  'tests/integration/engine/lifecycle.test.ts',
];
/** Files that look at what strangers leave on the machine, and mostly wait: beside each other, not beside others. */
const HOSTILE = ['tests/integration/sandbox/hostile-*.test.ts'];
/** Files that look at what is below themselves alone, with limits of fractions of a second: beside each other, not beside the engine's. */
const SANDBOX = ['tests/integration/sandbox/**/*.test.ts'];

/** Elsewhere waiting for a core counts as being blocked, so that those with little time are not to wait for each other. */
const countsRunDelays = process.getuid?.() === 0;

export default defineConfig({
  test: {
    // Bounds what hangs; a busy machine takes several times what an idle one does.
    testTimeout: 300_000,
    hookTimeout: 120_000,
    globalSetup: 'tests/temporary-folder.ts',
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reportsDirectory: 'coverage' },
    projects: [
      {
        extends: true,
        test: {
          name: 'side by side',
          include: ['tests/{unit,integration,contract}/**/*.test.ts'],
          exclude: [...ALONE, ...SANDBOX],
          // Vitest would leave one core free, which on two cores is half of them.
          maxWorkers: Math.max(2, availableParallelism() - 1),
          sequence: { groupOrder: 1 },
        },
      },
      { extends: true, test: { name: 'hostile', include: HOSTILE, maxWorkers: countsRunDelays ? 3 : 2, sequence: { groupOrder: 2 } } },
      {
        extends: true,
        test: {
          name: 'sandbox',
          include: SANDBOX,
          exclude: [...ALONE, ...HOSTILE],
          maxWorkers: countsRunDelays ? 2 : 1,
          sequence: { groupOrder: 3 },
        },
      },
      { extends: true, test: { name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 4 } } },
    ],
  },
});
