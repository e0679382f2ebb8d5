/**
 * The problems of MBPP whose tests a judge cannot run as they are, because they need more of the solution than what its calls
 * return. One row per problem. Applied by the loader, under every template; holds no format.
 *
 * MBPP/533, whose test passes the type `int`, stands in no row: types travel by name.
 */
import type { Problem } from './problem.js';

interface Adaptation {
  readonly taskId: string;
  /** A file of one's own may count its tasks from 1 too: a row means the problem with this entry point. */
  readonly entryPoint: string;
  /** Python put before the test, or why there is nothing that could be. */
  readonly remedy: { readonly before: string } | { readonly unsupported: string };
}

const OBJECTS = (name: string): Adaptation['remedy'] => ({
  unsupported: `its test builds objects of the class ${name}, which the solution defines, and only plain values can be handed over`,
});

export const ADAPTATIONS: readonly Adaptation[] = [
  { taskId: 'MBPP/367', entryPoint: 'is_tree_balanced', remedy: OBJECTS('Node') },
  // The test calls sys.getsizeof; of the two only the solution imports it.
  { taskId: 'MBPP/596', entryPoint: 'tuple_size', remedy: { before: 'import sys\n' } },
  { taskId: 'MBPP/601', entryPoint: 'max_chain_length', remedy: OBJECTS('Pair') },
  { taskId: 'MBPP/927', entryPoint: 'max_height', remedy: OBJECTS('Node') },
];

/** The problem as it can be judged, or marked as one that cannot. */
export function adapted(problem: Problem): Problem {
  const row = ADAPTATIONS.find(({ taskId, entryPoint }) => taskId === problem.taskId && entryPoint === problem.entryPoint);
  if (row === undefined) return problem;
  if ('unsupported' in row.remedy) return { ...problem, unsupported: row.remedy.unsupported };
  return { ...problem, test: row.remedy.before + problem.test };
}
