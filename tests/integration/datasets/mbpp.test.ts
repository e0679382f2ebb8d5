/** All 974 MBPP problems under both templates, judged by CPython. Needs python3 and ../shared/datasets. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MBPP_TEMPLATES } from '../../../src/datasets/mbpp.js';
import { loadProblems } from '../../../src/datasets/problems.js';
import { askPython } from '../../unit/datasets/python.js';

const mbpp = resolve(import.meta.dirname, '../../../../shared/datasets/mbpp.jsonl');

describe.skipIf(!existsSync(mbpp))('MBPP (needs ../shared/datasets)', () => {
  describe.each(MBPP_TEMPLATES)('template %s', (template) => {
    it('makes a program of every problem that CPython parses, with the entry point at its top level', async () => {
      const { problems } = await loadProblems(mbpp, { template });
      expect(problems).toHaveLength(974);
      const faults = askPython(
        `
import ast, json, sys, warnings
warnings.simplefilter("ignore")
faults = []
for p in json.load(sys.stdin):
    try:
        tree = ast.parse(p["prompt"] + p["canonicalSolution"])
        ast.parse(p["test"])
        functions = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == p["entryPoint"]]
        if not functions: faults.append(p["taskId"] + ": no entry point")
        shown = ast.get_docstring(functions[-1] if p["extra"]["template"] == "signature" else tree, clean=False)
        if p["extra"]["text"].strip() not in (shown or ""): faults.append(p["taskId"] + ": text not in docstring")
    except SyntaxError as e:
        faults.append(p["taskId"] + ": " + str(e))
print(json.dumps(faults))`,
        problems,
      ) as string[];
      expect(faults).toEqual([]);
    });

    it('keeps the meaning: the canonical solutions pass their tests', async () => {
      const { problems } = await loadProblems(mbpp, { template });
      const failed = askPython(
        `
import json, sys, signal, io, contextlib, warnings
warnings.simplefilter("ignore")
def late(*_): raise TimeoutError
signal.signal(signal.SIGALRM, late)
failed = []
for p in json.load(sys.stdin):
    # As the judge does: the tests see the prompt's names, and of the completion the entry point alone.
    signal.setitimer(signal.ITIMER_REAL, 60)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            program, judge = {"__name__": "p"}, {"__name__": "j"}
            exec(p["prompt"] + p["canonicalSolution"], program)
            exec(p["prompt"] if p["extra"]["template"] == "docstring" else p["prompt"] + "    pass\\n", judge)
            judge[p["entryPoint"]] = program[p["entryPoint"]]
            exec(p["test"], judge)
    except BaseException as e:
        failed.append(p["taskId"] + ": " + type(e).__name__)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
print(json.dumps(failed))`,
        problems.filter((problem) => problem.taskId !== 'MBPP/123'), // sums divisors up to a million: a minute in CPython
      ) as string[];
      expect(failed).toEqual([]);
    });
  });
});
