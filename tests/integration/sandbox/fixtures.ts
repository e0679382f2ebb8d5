/**
 * The programs of `tests/fixtures/programs`: each is one sample with the outcome it must come to in its first line.
 *   # expect {...}       what the outcome must contain, as JSON
 *   # landlock {...}     the same in tier `landlock`, where that differs: files and processes of the host can be told to be there
 *   # test <python>      the test, in place of two assertions about f(1) and f(2)
 *   # phase <phase>, # assertions {...}, # stdout {"text": ...}    measurements, where they matter
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionJob } from '../../../src/sandbox/executor.js';

const FOLDER = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../fixtures/programs');

export interface Fixture {
  readonly name: string;
  readonly job: ExecutionJob;
  readonly outcome: Readonly<Record<string, unknown>>;
  /** What the outcome must contain in tier `landlock`. */
  readonly landlock: Readonly<Record<string, unknown>>;
  readonly measurements: Readonly<Record<string, unknown>>;
}

const DEFAULT_TEST = 'def check(candidate):\n    assert candidate(1) == 2\n    assert candidate(2) == 3\n';

export const fixtures: readonly Fixture[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.py'))
  .map((name) => {
    const program = readFileSync(path.join(FOLDER, name), 'utf8');
    const header = (key: string): string | undefined => new RegExp(`^# ${key} (.*)$`, 'm').exec(program)?.[1];
    const phase = header('phase');
    const assertions = header('assertions');
    const stdout = header('stdout');
    return {
      name,
      job: {
        taskId: 'fixture',
        prompt: '',
        entryPoint: 'f',
        test: header('test') ?? DEFAULT_TEST,
        completion: program,
        seed: 7,
        sampleIndex: 0,
      },
      outcome: JSON.parse(header('expect')!) as Record<string, unknown>,
      landlock: JSON.parse(header('landlock') ?? header('expect')!) as Record<string, unknown>,
      measurements: {
        ...(phase === undefined ? {} : { phase }),
        ...(assertions === undefined ? {} : { assertions: JSON.parse(assertions) as unknown }),
        ...(stdout === undefined ? {} : { stdout: (JSON.parse(stdout) as { text: string }).text }),
      },
    };
  });
