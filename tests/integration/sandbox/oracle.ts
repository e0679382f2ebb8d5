/** Drives `oracle.py`: the official checkers' verdict about a program. For the tests only, as it isolates nothing. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Problem } from '../../../src/datasets/problem.js';

export interface OfficialVerdict {
  readonly passed: boolean;
  /** The exception's class name, or how it ended otherwise; null for a pass. */
  readonly raised: string | null;
}

/** What the official checker executes: HumanEval's `check_program`, or MBPP's code with its assertions. */
export function officialText(problem: Problem, completion: string): string {
  const call = /^def check\(/m.test(problem.test) ? `\ncheck(${problem.entryPoint})` : '';
  return `${problem.prompt}${completion}\n${problem.test}${call}`;
}

/** The verdicts on all texts, in their order, by so many processes. Throws where one of these ends early. */
export async function officialVerdicts(
  texts: readonly string[],
  options: { readonly python: string; readonly processes: number; readonly cpuSeconds: number },
): Promise<OfficialVerdict[]> {
  const verdicts: OfficialVerdict[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    const child = spawn(options.python, ['-B', path.join(import.meta.dirname, 'oracle.py')], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'], PYTHONHASHSEED: '0', PYTHONWARNINGS: 'ignore', LC_ALL: 'C.UTF-8' },
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    while (next < texts.length) {
      const index = next++;
      child.stdin.write(`${JSON.stringify({ text: texts[index], cpuSeconds: options.cpuSeconds })}\n`);
      const line = await lines.next();
      if (line.done === true) throw new Error(`the oracle ended at text ${index}`);
      verdicts[index] = JSON.parse(line.value) as OfficialVerdict;
    }
    child.stdin.end();
  };
  await Promise.all(Array.from({ length: options.processes }, work));
  return verdicts;
}
