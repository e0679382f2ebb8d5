/**
 * Sample files in HumanEval's format: one line per sample with `task_id` and `completion`, whatever else the line has
 * is kept; and in evalplus's, whose `solution` is a whole program, and whose results are one object with a row for each sample. Reading
 * only; `atomic-file.ts` and `withFields` write them.
 *
 * A sample is judged by the test of its problem, and a task's name outlives its text: what a line says of its problem is compared with the problem
 * that the name leads to. Most lines of other programs say nothing, and then nobody can tell.
 */
import { FaultlineError } from '../errors.js';
import { offsetsOfValues } from './json-position.js';
import { questionDigest, type Question } from './problem.js';
import { lineError, optionalIntegerField, optionalStringField, readJsonl, stringField, type JsonLine } from './jsonl.js';

export interface SampleLine {
  readonly source: JsonLine;
  /** As the problem file has it. */
  readonly taskId: string;
  readonly completion: string;
  /** `sample_index` where the line has one, else the number of earlier lines of the same task. */
  readonly sampleIndex: number;
  /** `finish_reason` where the line has one: files of other tools do not say how a sample ended. */
  readonly finishReason: string | null;
  /** Whether it passed, by the line's own word: HumanEval's `passed`, or in evalplus's results `base_status`. Null where it does not say. */
  readonly claimed: boolean | null;
}

/**
 * Reads a sample file in order.
 *
 * @param known the problems that a sample may belong to, by task; another one is an error that names it. All are allowed without, and then
 *   there are no solutions, as only the prompt tells what of one is the completion.
 * Errors are `input` with file, line and column; a file without a sample is one, and so are an index that a task has twice and a line that is of
 *   another version of its problem.
 */
export async function* readSamples(file: string, known?: ReadonlyMap<string, Question>): AsyncGenerator<SampleLine> {
  const seen = new Map<string, number>();
  const keys = new Set<string>();
  const texts: Texts = {
    digest: remembered(questionDigest),
    test: remembered(({ test }) => plain(test)),
    prompt: remembered(({ prompt }) => plain(prompt)),
  };
  let any = false;
  for await (const source of rowsOf(readJsonl(file, { object: { begins: beginsResults, hint: SAMPLES_OF_RESULTS } }))) {
    any = true;
    const named = stringField(source, 'task_id');
    // evalplus's name for it.
    const taskId = known?.has(named) === false ? named.replace(/^Mbpp\//, 'MBPP/') : named;
    if (known !== undefined && !known.has(taskId)) {
      throw lineError(source, `task_id ${JSON.stringify(named)} is not in the problem file`, {
        field: 'task_id',
        hint: 'Give the problem file that the samples were made from.',
      });
    }
    const before = seen.get(taskId) ?? 0;
    seen.set(taskId, before + 1);
    const problem = known?.get(taskId);
    if (problem !== undefined) refuseOtherVersion(source, taskId, problem, texts);
    const prompt = problem?.prompt;
    const isSolution = prompt !== undefined && !('completion' in source.value) && 'solution' in source.value;
    const completion = isSolution ? completionOf(source, prompt) : stringField(source, 'completion');
    const sampleIndex = optionalIntegerField(source, 'sample_index', 0, 2 ** 32 - 1) ?? before;
    const key = JSON.stringify([taskId, sampleIndex]);
    if (keys.has(key)) {
      throw lineError(source, `sample ${sampleIndex} of ${taskId} is there twice`, {
        field: 'sample_index',
        hint: 'Give each sample of a task an index of its own, or leave sample_index out in all lines.',
      });
    }
    keys.add(key);
    yield {
      source,
      taskId,
      completion,
      sampleIndex,
      finishReason: optionalStringField(source, 'finish_reason') ?? null,
      claimed: claimOf(source),
    };
  }
  if (!any) {
    throw new FaultlineError('input', 'the file holds no sample', {
      place: { file },
      hint: 'Give a file with one JSON object per line: `faultline generate` writes one.',
    });
  }
}

const SAMPLES_OF_RESULTS = 'Give the file of samples that they were made from: one JSON object per line with task_id and solution.';

/**
 * Whether a file is evalplus's results, over one line or many: its first object has an `eval` of its own, behind a date and a hash, and no task. `head`
 * may end within that object.
 */
function beginsResults(head: string): boolean {
  const text = head.replace(/^\xef\xbb\xbf/, '');
  const offsets = offsetsOfValues(text);
  const at = offsets.get('eval');
  return at !== undefined && text[at] === '{' && !offsets.has('task_id');
}

/** The lines themselves, and of evalplus's results, which are one object for all tasks, a row for each sample in its place. */
async function* rowsOf(lines: AsyncIterable<JsonLine>): AsyncGenerator<JsonLine> {
  for await (const line of lines) {
    const { value } = line;
    const evaluation: unknown = 'task_id' in value ? undefined : value['eval'];
    if (typeof evaluation !== 'object' || evaluation === null) {
      yield line;
      continue;
    }
    for (const [task, rows] of Object.entries(evaluation)) {
      // Its first versions kept verdicts alone.
      if (!Array.isArray(rows) || !rows.every(hasSolution)) {
        throw lineError(line, `these are evalplus's results, and those of ${task} do not hold the programs`, {
          field: 'eval',
          hint: SAMPLES_OF_RESULTS,
        });
      }
      for (const [index, row] of rows.entries()) {
        const own = { task_id: task, ...row };
        yield { ...line, text: JSON.stringify(own), value: own, part: `sample ${index} of ${task}` };
      }
    }
  }
}

function hasSolution(row: unknown): row is Readonly<Record<string, unknown>> {
  return typeof row === 'object' && row !== null && 'solution' in row;
}

function claimOf({ value: { passed, base_status: status } }: JsonLine): boolean | null {
  if (typeof passed === 'boolean') return passed;
  return typeof status === 'string' ? status === 'pass' : null;
}

const OTHER_VERSION = 'Give the problem file, and the --template, that the samples were made from';

/** What lines are compared with: made for a problem when the first line asks for it, as a task has many lines. */
type Texts = Readonly<Record<'digest' | 'test' | 'prompt', (problem: Question) => string>>;

function remembered(make: (problem: Question) => string): (problem: Question) => string {
  const made = new Map<Question, string>();
  return (problem) => {
    let text = made.get(problem);
    if (text === undefined) made.set(problem, (text = make(problem)));
    return text;
  };
}

/** Refuses a line that says by any field that its problem is not this one. */
function refuseOtherVersion(source: JsonLine, taskId: string, problem: Question, texts: Texts): void {
  const refuse = (field: string, what: string): never => {
    throw lineError(source, `this sample is of another version of ${taskId}: ${what}`, {
      field,
      hint: `${OTHER_VERSION}; or take ${field} out of the lines, where they are to be judged by this version all the same.`,
    });
  };
  const digest = optionalStringField(source, 'problem_digest');
  if (digest !== undefined) {
    const own = texts.digest(problem);
    if (digest !== own) refuse('problem_digest', `its digest is ${JSON.stringify(digest)}, and that of the problem file's is "${own}"`);
  }
  const { entry_point: entryPoint, test, prompt } = source.value;
  if (typeof entryPoint === 'string' && entryPoint !== problem.entryPoint) {
    refuse(
      'entry_point',
      `its entry point is ${JSON.stringify(entryPoint)}, and that of the problem file's is ${JSON.stringify(problem.entryPoint)}`,
    );
  }
  if (typeof test === 'string' && plain(test) !== texts.test(problem)) refuse('test', "its test is not the problem file's");
  // A prompt may stand in what a model was told around it.
  if (typeof prompt === 'string' && !plain(prompt).includes(texts.prompt(problem))) {
    refuse('prompt', "its prompt does not hold the problem file's");
  }
}

/** A text without what editors and loaders change: line ends, and blanks at the ends of lines and of the whole. Linear. */
function plain(text: string): string {
  return (
    text
      .replace(/\r\n?/g, '\n')
      // Only from where blanks begin: from within them, a long run is looked through again for each.
      .replace(/(?<![ \t])[ \t]+$/gm, '')
      .trim()
  );
}

/** What follows the prompt in a whole program; all of it where the program does not begin so, as it defines the prompt's function anew. */
function completionOf(source: JsonLine, prompt: string): string {
  const solution = stringField(source, 'solution');
  if (solution.startsWith(prompt)) return solution.slice(prompt.length);
  if (/:[ \t]*$/.test(prompt.trimEnd())) {
    throw lineError(
      source,
      'the solution does not begin with the prompt, and nothing else can follow that, as it ends in the middle of a statement',
      {
        field: 'solution',
        hint: 'Give what follows the prompt as `completion`, or solutions that begin with the prompt.',
      },
    );
  }
  return prompt.endsWith('\n') ? solution : `\n${solution}`;
}
