/**
 * The programs of `tests/fixtures/programs`: each is one sample with what it must come to in its first lines.
 *   # expect {...}       what the outcome must contain, as JSON
 *   # or {...}           another outcome that will do
 *   # depends on <what>  what chooses between them: there where there is an `# or`, and nowhere else
 *   # before 3.12 {...}  the outcome under older versions of Python, in place of all these
 *   # landlock {...}     the outcome in tier `landlock`, where that differs: files and processes of the host can be told to be there
 *   # category 5.1       the code of its leaf of the taxonomy, or `pass`: below the `expect`, `or` or `before` that it belongs to
 *   # category-landlock 6.3        the same of the `landlock` above it
 *   # test <python>      the test, in place of two assertions about f(1) and f(2)
 *   # repeat {"@": ["x", 1000]}    every `@` below stands for a thousand `x`
 *   # with <name>        hostile/parts/<name>.txt stands before the program
 *   # phase <phase>, # assertions {...}, # stdout {"text": ...}    measurements, where they matter
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { ExecutionJob, ExecutorInfo } from '../../../src/sandbox/executor.js';
import type { Verdict } from '../../../src/sandbox/verdict.js';
import { classify } from '../../../src/taxonomy/classify.js';

const FOLDER = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../fixtures/programs');

type Fields = Readonly<Record<string, unknown>>;

/** An outcome with the leaf that belongs to it; null where the fixture does not say. */
export interface Expected {
  readonly outcome: Fields;
  readonly category: string | null;
}

export interface Fixture {
  readonly name: string;
  readonly job: ExecutionJob;
  /** What the outcome must contain; one of these will do. */
  readonly outcomes: readonly Fields[];
  /** The leaf of each of `outcomes`, in their order: a code, `pass` for none, null where the fixture does not say. */
  readonly categories: readonly (string | null)[];
  /** What chooses between the outcomes; null where there is one. */
  readonly dependsOn: string | null;
  /** What it must come to in place of `outcomes` under Python 3.n with n below `minor`; null where versions do not differ. */
  readonly before: (Expected & { readonly minor: number }) | null;
  /** What it must come to in tier `landlock`; null where tiers do not differ. */
  readonly landlock: Expected | null;
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
        ...expectations(text, name),
        dependsOn: header('depends on') ?? null,
        measurements: {
          ...(phase === undefined ? {} : { phase }),
          ...(assertions === undefined ? {} : { assertions: JSON.parse(assertions) as unknown }),
          ...(stdout === undefined ? {} : { stdout: (JSON.parse(stdout) as { text: string }).text }),
        },
      };
    });
}

/** What a fixture's outcome and leaf are, from its lines in order: a leaf belongs to the last outcome of its kind. */
function expectations(text: string, name: string): Pick<Fixture, 'outcomes' | 'categories' | 'before' | 'landlock'> {
  type Open = { outcome: Fields; category: string | null };
  const usual: Open[] = [];
  let before: (Open & { minor: number }) | null = null;
  let landlock: Open | null = null;
  let last: Open | null = null;
  for (const [, key, rest] of text.matchAll(/^# (expect|or|before 3\.\d+|landlock|category|category-landlock) (.*)$/gm)) {
    if (key!.startsWith('category')) {
      const owner: Open | null = key === 'category' ? last : landlock;
      if (owner === null || owner.category !== null || /\s/.test(rest!))
        throw new Error(`${name}: "# ${key} ${rest}" belongs to no outcome`);
      owner.category = rest!;
      continue;
    }
    const found: Open = { outcome: JSON.parse(rest!) as Fields, category: null };
    if (key === 'landlock') landlock = found;
    else if (key!.startsWith('before')) {
      before = { ...found, minor: Number(key!.slice('before 3.'.length)) };
      last = before;
    } else usual.push((last = found));
  }
  return { outcomes: usual.map(({ outcome }) => outcome), categories: usual.map(({ category }) => category), before, landlock };
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

/** Fails unless the verdict, come to by `by`, is what the fixture says: outcome, the leaf of that outcome that the taxonomy finds, and measurements. */
export function expectVerdict(fixture: Fixture, verdict: Verdict, by: Pick<ExecutorInfo, 'tier' | 'pythonVersion'>): void {
  const allowed = expectedOf(fixture, by);
  const fits = allowed.filter(({ outcome }) => contains(verdict.outcome, outcome));
  expect(verdict.outcome, fixture.name).toMatchObject((fits[0] ?? allowed[0]!).outcome);
  expect(verdict.measurements).toMatchObject(fixture.measurements);
  expect(verdict.passed).toBe(verdict.outcome.status === 'passed');
  const categories = fits.map(({ category }) => category);
  if (!categories.includes(null)) expect(categories, fixture.name).toContain(codeOf(fixture, verdict));
}

/** What the fixture may come to there. */
function expectedOf(
  { outcomes, categories, before, landlock }: Fixture,
  { tier, pythonVersion }: Pick<ExecutorInfo, 'tier' | 'pythonVersion'>,
): readonly Expected[] {
  if (tier === 'landlock' && landlock !== null) return [landlock];
  if (before !== null && Number(pythonVersion.split('.')[1]) < before.minor) return [before];
  return outcomes.map((outcome, index) => ({ outcome, category: categories[index]! }));
}

function contains(outcome: Verdict['outcome'], wanted: Fields): boolean {
  try {
    expect(outcome).toMatchObject(wanted);
    return true;
  } catch {
    return false;
  }
}

/** The code of the leaf that the verdict falls in, or `pass`. */
export function codeOf({ job }: Fixture, verdict: Verdict): string {
  const { prompt, completion, entryPoint } = job;
  return classify({ verdict, prompt, completion, entryPoint, finishReason: '' }).category?.code ?? 'pass';
}
