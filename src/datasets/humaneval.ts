/**
 * HumanEval's format: one line per problem with `task_id`, `prompt`, `entry_point`, `canonical_solution` and `test`.
 * The bundled problems and HumanEval+ have it too. Optional: `difficulty`, and `extra_test`, a further test.
 * https://github.com/openai/human-eval (MIT)
 */
import { lineError, optionalIntegerField, optionalStringField, stringField, type JsonLine } from './jsonl.js';
import type { Problem } from './problem.js';
import { isIdentifier } from './python-source.js';

const FIELDS: ReadonlySet<string> = new Set(['task_id', 'prompt', 'entry_point', 'canonical_solution', 'test', 'difficulty', 'extra_test']);

/** A line's problem. Errors are `input` with file, line and column: a missing field, a wrong type, an unusable name. */
export function humanEvalProblem(line: JsonLine): Problem {
  const taskId = stringField(line, 'task_id');
  if (taskId === '') throw lineError(line, 'field "task_id" is empty', { field: 'task_id' });
  const entryPoint = stringField(line, 'entry_point');
  if (!isIdentifier(entryPoint)) {
    throw lineError(line, `field "entry_point" is ${JSON.stringify(entryPoint)}, expected the name of a Python function`, {
      field: 'entry_point',
    });
  }
  const furtherTest = optionalStringField(line, 'extra_test');
  const difficulty = optionalIntegerField(line, 'difficulty', 1, 4);
  return {
    taskId,
    prompt: stringField(line, 'prompt'),
    entryPoint,
    canonicalSolution: stringField(line, 'canonical_solution'),
    test: stringField(line, 'test'),
    ...(furtherTest === undefined ? {} : { furtherTest }),
    ...(difficulty === undefined ? {} : { difficulty }),
    extra: Object.fromEntries(Object.entries(line.value).filter(([name]) => !FIELDS.has(name))),
  };
}
