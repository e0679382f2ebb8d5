/**
 * MBPP's format, and the two templates that make a problem of a line. It has no prompt and no entry point: only a
 * text, reference code and assertions. https://github.com/google-research/google-research/tree/master/mbpp (CC BY 4.0)
 *
 * `signature` (default)   what HumanEval would have looked like:
 *     import math                                     the reference code's imports, and every other top-level
 *     def perfect_square(n):                          statement that the signature or the tests mention
 *         """Write a function to ...                  the text as docstring
 *         """
 *   The completion is the body. The assertions stay hidden.
 *
 * `docstring`   a module docstring with the text and the assertions, laid out as bigcode-evaluation-harness does (which
 *   shows the first assertion only; here all are shown, as in MBPP's own prompt):
 *     """
 *     Write a function to ...
 *     assert perfect_square(10) == False
 *     """
 *   The completion is the whole program. The assertions shown are `extra.visible_assertions`.
 *
 * The entry point is the function that the assertions call and the code defines. Neither half alone will do: MBPP/126
 * defines `sum`, so leaving out built-in names would miss it, and assertions also call `set`, `Pair` or `math.isclose`.
 */
import { lineError, requiredField, stringField, stringListField, type JsonLine } from './jsonl.js';
import { adapted } from './mbpp-adaptations.js';
import type { Problem } from './problem.js';
import { calledNames, namesIn, normalizeNewlines, splitFunction, topLevelStatements, type Statement } from './python-source.js';

export const MBPP_TEMPLATES = ['signature', 'docstring'] as const;
export type MbppTemplate = (typeof MBPP_TEMPLATES)[number];

const INDENT = '    ';

/** Whether a line is in this format: reference code and assertions instead of a prompt and an entry point. */
export function looksLikeMbpp(line: JsonLine): boolean {
  return Object.hasOwn(line.value, 'test_list') && Object.hasOwn(line.value, 'code');
}

/**
 * A line's problem under a template, of MBPP's full file (`text`, `test_setup_code`) or the sanitized one (`prompt`,
 * `test_imports`). Errors are `input` with file, line and column; one is that no function is both defined and called.
 */
export function mbppProblem(line: JsonLine, template: MbppTemplate): Problem {
  const taskId = taskIdOf(line);
  const text = normalizeNewlines(stringField(line, Object.hasOwn(line.value, 'text') ? 'text' : 'prompt')).trim();
  const code = normalizeNewlines(stringField(line, 'code'));
  const assertions = stringListField(line, 'test_list').map((assertion) => normalizeNewlines(assertion).trim());
  const challenges = stringListField(line, 'challenge_test_list', true).map((assertion) => normalizeNewlines(assertion).trim());
  const setup = [
    ...stringListField(line, 'test_imports', true),
    Object.hasOwn(line.value, 'test_setup_code') ? stringField(line, 'test_setup_code') : '',
  ].map(normalizeNewlines);

  const statements = topLevelStatements(code);
  const entry = entryPointOf(line, statements, assertions);
  const testOf = (list: readonly string[]): string => [...setup, ...list.map((assertion) => `${assertion}\n`)].join('');
  const test = testOf(assertions);
  const extra = { ...line.value, template };
  /** @param known statements that the judge has from elsewhere */
  const furtherTest = (known: readonly Statement[]): { furtherTest?: string } => {
    if (challenges.length === 0) return {};
    const further = testOf(challenges);
    const missing = neededBy(further, statements, entry.statement).filter((statement) => !known.includes(statement));
    return { furtherTest: missing.map(textOf).join('') + further };
  };

  if (template === 'docstring') {
    // The judge runs the tests with only the prompt before them: what they need of the reference code comes along.
    const needed = neededBy(test, statements, entry.statement);
    return adapted({
      taskId,
      prompt: `"""\n${escapeDocstring([text, ...assertions].join('\n'))}\n"""\n`,
      entryPoint: entry.name,
      canonicalSolution: code,
      test: needed.map(textOf).join('') + test,
      ...furtherTest([]),
      extra: { ...extra, visible_assertions: assertions },
    });
  }
  const { header, body } = splitFunction(entry.statement, INDENT);
  const before = neededBy(`${header}\n${test}`, statements, entry.statement);
  const opening = before.map(textOf).join('');
  const after = statements.filter((statement) => statement !== entry.statement && !before.includes(statement));
  return adapted({
    taskId,
    prompt: `${opening}${opening === '' ? '' : '\n\n'}${header}\n${INDENT}"""${escapeDocstring(text)}\n${INDENT}"""\n`,
    entryPoint: entry.name,
    canonicalSolution: [body, ...after.map(textOf)].join('\n'),
    test,
    ...furtherTest(before),
    extra: { ...extra, visible_assertions: [] },
  });
}

/** MBPP numbers its tasks; within faultline a task id is text and says where it is from. */
function taskIdOf(line: JsonLine): string {
  const id = requiredField(line, 'task_id');
  if (typeof id === 'string' && id !== '') return id;
  if (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0) return `MBPP/${id}`;
  throw lineError(line, `field "task_id" is ${JSON.stringify(id)}, expected a number or a string`, { field: 'task_id' });
}

function entryPointOf(
  line: JsonLine,
  statements: readonly Statement[],
  assertions: readonly string[],
): { name: string; statement: Statement } {
  for (const name of assertions.flatMap(calledNames)) {
    // The last definition is the one that the module ends up with.
    const statement = statements.findLast((candidate) => candidate.kind === 'function' && candidate.names[0] === name);
    if (statement !== undefined) return { name, statement };
  }
  throw lineError(line, 'no entry point: the assertions call no function that the code defines', {
    field: 'test_list',
    hint: 'Every problem needs a function in `code` that `test_list` calls.',
  });
}

/**
 * The imports, and the top-level statements whose names a text mentions, directly or through one another; the entry
 * point never. In source order.
 */
function neededBy(text: string, statements: readonly Statement[], entry: Statement): Statement[] {
  const needed = new Set(statements.filter((statement) => statement.kind === 'import'));
  const texts = [text];
  for (let mentioned = texts.pop(); mentioned !== undefined; mentioned = texts.pop()) {
    const names = namesIn(mentioned);
    for (const statement of statements) {
      if (statement === entry || needed.has(statement) || !statement.names.some((name) => names.has(name) && !entry.names.includes(name)))
        continue;
      needed.add(statement);
      texts.push(statement.text);
    }
  }
  return statements.filter((statement) => needed.has(statement));
}

function textOf(statement: Statement): string {
  return `${statement.text.trimEnd()}\n`;
}

/** Keeps a text what it is inside `"""`: backslashes, and quotes that would close the docstring. */
function escapeDocstring(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"""', '\\"\\"\\"').replace(/"$/, '\\"');
}
