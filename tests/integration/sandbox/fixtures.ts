/**
 * The programs of `tests/fixtures/programs`: each is one sample with what it must come to in its first lines.
 *   # expect {...}       what the outcome must contain, as JSON
 *   # or {...}           another outcome that will do, where versions of Python, kernels or tiers differ
 *   # landlock {...}     the same in tier `landlock`, where that differs: files and processes of the host can be told to be there
 *   # category 5.1       the code of its leaf of the taxonomy, or `pass`; several where outcomes differ, or where values decide
 *   # category-landlock 6.3        the same in tier `landlock`, where there is a `landlock` line
 *   # test <python>      the test, in place of two assertions about f(1) and f(2)
 *   # repeat {"@": ["x", 1000]}    every `@` below stands for a thousand `x`
 *   # with <name>        hostile/parts/<name>.txt stands before the program
 *   # phase <phase>, # assertions {...}, # stdout {"text": ...}    measurements, where they matter
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { ExecutionJob } from '../../../src/sandbox/executor.js';
import type { IsolationTier, Verdict } from '../../../src/sandbox/verdict.js';
import { classify } from '../../../src/taxonomy/classify.js';

const FOLDER = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../fixtures/programs');

type Fields = Readonly<Record<string, unknown>>;

export interface Fixture {
  readonly name: string;
  readonly job: ExecutionJob;
  /** What the outcome must contain; one of these will do. */
  readonly outcomes: readonly Fields[];
  /** What it must contain in tier `landlock`; one of these, or of `outcomes` where it is empty. */
  readonly landlock: readonly Fields[];
  /** One of these codes; `pass` for none. Empty where the fixture does not say. */
  readonly categories: readonly string[];
  /** The same in tier `landlock`, where `landlock` is not empty. */
  readonly landlockCategories: readonly string[];
  readonly measurements: Fields;
}

const DEFAULT_TEST = 'def check(candidate):\n    assert candidate(1) == 2\n    assert candidate(2) == 3\n';

function readFixtures(folder: string): Fixture[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.py'))
    .map((name) => {
      const text = readFileSync(path.join(folder, name), 'utf8');
      const headers = (key: string): string[] => [...text.matchAll(new RegExp(`^# ${key} (.*)$`, 'gm'))].map((match) => match[1]!);
      const header = (key: string): string | undefined => headers(key)[0];
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
          completion: programOf(text, header('with'), header('repeat'), folder),
          seed: 7,
          sampleIndex: 0,
        },
        outcomes: [...headers('expect'), ...headers('or')].map((json) => JSON.parse(json) as Fields),
        landlock: headers('landlock').map((json) => JSON.parse(json) as Fields),
        categories: header('category')?.split(' ') ?? [],
        landlockCategories: header('category-landlock')?.split(' ') ?? [],
        measurements: {
          ...(phase === undefined ? {} : { phase }),
          ...(assertions === undefined ? {} : { assertions: JSON.parse(assertions) as unknown }),
          ...(stdout === undefined ? {} : { stdout: (JSON.parse(stdout) as { text: string }).text }),
        },
      };
    });
}

function programOf(text: string, part: string | undefined, repeat: string | undefined, folder: string): string {
  const before = part === undefined ? '' : readFileSync(path.join(folder, 'parts', `${part}.txt`), 'utf8');
  if (repeat === undefined) return before + text;
  const repeats = JSON.parse(repeat) as Record<string, [text: string, times: number]>;
  const [header, body] = splitAfter(text, /^# repeat .*\n/m);
  return before + header + Object.entries(repeats).reduce((made, [mark, [what, times]]) => made.replaceAll(mark, what.repeat(times)), body);
}

function splitAfter(text: string, pattern: RegExp): [string, string] {
  const match = pattern.exec(text)!;
  const at = match.index + match[0].length;
  return [text.slice(0, at), text.slice(at)];
}

/** Programs as a model might write them. */
export const programs: readonly Fixture[] = readFixtures(FOLDER);
/** Programs that attack or exhaust something, and honest ones that could be taken for such. */
export const hostile: readonly Fixture[] = readFixtures(path.join(FOLDER, 'hostile'));
/** All of them. */
export const fixtures: readonly Fixture[] = [...programs, ...hostile];

/** The fixture of this name. Throws where there is none. */
export function fixtureOf(name: string): Fixture {
  const found = fixtures.find((fixture) => fixture.name === name);
  if (found === undefined) throw new Error(`no fixture ${name}`);
  return found;
}

/** Fails unless the verdict is what the fixture says: outcome, measurements, and the leaf that the taxonomy finds. */
export function expectVerdict(fixture: Fixture, verdict: Verdict, tier: IsolationTier = 'namespaces'): void {
  const isOther = tier === 'landlock' && fixture.landlock.length > 0;
  const outcomes = isOther ? fixture.landlock : fixture.outcomes;
  const fits = outcomes.find((outcome) => {
    try {
      expect(verdict.outcome).toMatchObject(outcome);
      return true;
    } catch {
      return false;
    }
  });
  expect(verdict.outcome, fixture.name).toMatchObject(fits ?? outcomes[0]!);
  expect(verdict.measurements).toMatchObject(fixture.measurements);
  expect(verdict.passed).toBe(verdict.outcome.status === 'passed');
  const categories = isOther ? fixture.landlockCategories : fixture.categories;
  if (categories.length > 0) expect(categories).toContain(codeOf(fixture, verdict));
}

/** The code of the leaf that the verdict falls in, or `pass`. */
export function codeOf({ job }: Fixture, verdict: Verdict): string {
  const { prompt, completion, entryPoint } = job;
  return classify({ verdict, prompt, completion, entryPoint, finishReason: '' }).category?.code ?? 'pass';
}
