/** Checks hook points by name against a model's own, before anything runs. Captures nothing. */
import { FaultlineError, nearest } from '../errors.js';
import type { HookPoint } from './types.js';

/** Throws a `usage` FaultlineError for a name that is unknown (with the nearest ones) or given twice, or for no name. */
export function checkHooks(hooks: readonly string[], known: readonly HookPoint[]): void {
  if (hooks.length === 0) throw new FaultlineError('usage', 'no hook point is asked for', { hint: 'For instance: logits.' });
  const names = new Set(known.map(({ name }) => name));
  const seen = new Set<string>();
  for (const hook of hooks) {
    if (!names.has(hook)) {
      const near = nearest(hook, names);
      const layers = new Set(known.map(({ name }) => /^blocks\.(\d+)\./.exec(name)?.[1]).filter((layer) => layer !== undefined)).size;
      throw new FaultlineError('usage', `there is no hook point ${JSON.stringify(hook)} in this model of ${layers} layers`, {
        hint: near.length > 0 ? `Did you mean ${near.join(', ')}?` : `The names are TransformerLens's, for instance ${known.at(-1)!.name}.`,
      });
    }
    if (seen.has(hook)) throw new FaultlineError('usage', `hook point ${hook} is asked for twice`, { hint: 'Name it once.' });
    seen.add(hook);
  }
}
