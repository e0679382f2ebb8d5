/** evalplus's names of tasks: HumanEval's own, and MBPP's with `Mbpp/` in front. */
export function evalplusTask(taskId: string): string {
  return taskId.replace(/^MBPP\//, 'Mbpp/');
}
