/**
 * Which decisions are residual ones ("none of the rules said more") by the tree itself, whatever a config has renamed, merged or added since: a
 * decision keeps the rule that made it. Pure.
 */
import { categoryByCode } from './categories.js';
import { classify } from './classify.js';
import { GENERATION_RULES, RULES } from './rules/index.js';
import type { Evidence } from './types.js';

/** By the rule's name: a rule that serves several leaves serves residual ones alone, or none. */
const RESIDUAL: ReadonlyMap<string, boolean> = new Map(
  [...Object.values(RULES).flat(), ...GENERATION_RULES].map(({ name, code }) => [name, categoryByCode(code).residual]),
);

/**
 * Whether a failure's own leaf is residual. Null where its row does not say: it has no rule, or one that this version does not know.
 * @param decided a stored decision; `rule` as `Classification.rule`. One of the config's own categories is decided again.
 */
export function isResidual(decided: Evidence & { readonly rule: string | null }): boolean | null {
  const { rule } = decided;
  if (rule === null) return null;
  if (rule.startsWith('config:')) return classify(decided).category?.residual ?? null;
  return RESIDUAL.get(rule) ?? null;
}
