/**
 * The config's wishes about categories (add by rules, rename, merge, switch off) applied to decisions. The decision itself is
 * `taxonomy/classify.ts`, what the conditions of a rule mean `taxonomy/custom-rules.ts`; this file never looks at a program.
 *
 * Added categories are asked first, in their order, about what the tree decided; then merges and leaves that are switched off
 * apply. All of it stays within an outcome, so that crash rate and pass rate mean the same in every experiment.
 */
import type { Config } from '../config/load.js';
import { entryError } from '../config/origin-errors.js';
import type { ConfigValues } from '../config/schema.js';
import { nearest, type FaultlineError } from '../errors.js';
import type { Verdict } from '../sandbox/verdict.js';
import { compileRule, impossibleCondition, type CustomRule } from '../taxonomy/custom-rules.js';
import type { Category, Classification, Evidence } from '../taxonomy/types.js';

/** A decision as it is stored: the classification with its categories as codes and names of this experiment. */
export interface StoredDecision extends Omit<Classification, 'category' | 'generation'> {
  readonly categoryCode: string | null;
  readonly categoryName: string | null;
  readonly generationCode: string | null;
}

export interface CategoryView {
  /** The leaves that are still told apart, under their names in this experiment. */
  readonly categories: readonly Category[];
  /** The settings that are set, as canonical JSON: what is recorded beside decisions that it made. */
  readonly settings: string;
  apply(classification: Classification, evidence: Evidence): StoredDecision;
}

const CATEGORY_KEYS = ['categories.merge', 'categories.off', 'categories.rename', 'categories.rules'] as const;
type CategoryKey = (typeof CATEGORY_KEYS)[number];
type CategorySettings = Pick<ConfigValues, CategoryKey>;

/**
 * @param tree every leaf of the taxonomy
 * @param origins where the settings came from, for errors
 * @throws FaultlineError kind `usage` for an unknown category (with the nearest names), a merge across outcomes or in a
 *   circle, a name given twice, a switched-off leaf whose family has no residual one, an added category that is named after
 *   another outcome than that of the categories it is over, or a condition of one that can never hold
 */
export function createCategoryView(
  settings: CategorySettings,
  tree: readonly Category[],
  origins?: Pick<Config['origins'], CategoryKey>,
): CategoryView {
  const fault = (key: CategoryKey, reason: string, hint: string): FaultlineError => entryError(origins?.[key], key, reason, { hint });
  const find = (key: CategoryKey, given: string, among: readonly Category[] = tree, of = ''): Category => {
    const found = among.find(({ code, name }) => code === given || name === given);
    if (found !== undefined) return found;
    const near = nearest(given, [...among.map(({ name }) => name), ...among.map(({ code }) => code)]);
    const hint = near.length > 0 ? `Did you mean ${near.join(' or ')}?` : 'The categories stand in src/taxonomy/categories.ts.';
    throw fault(key, `${of}unknown category ${given}`, hint);
  };

  const added: CustomRule[] = [];
  for (const rule of settings['categories.rules']) {
    const over = rule.over.map((given) => find('categories.rules', given, tree, `${rule.name} is over an `));
    const { outcome } = over[0]!;
    const other = over.find((category) => category.outcome !== outcome);
    if (other !== undefined) {
      throw fault(
        'categories.rules',
        `${rule.name} is over ${over[0]!.code}, which is ${outcome}, and ${other.code}, which is ${other.outcome}`,
        'Give each outcome a rule of its own: across outcomes it would change the crash rate.',
      );
    }
    if (!rule.name.startsWith(`${outcome}.`)) {
      throw fault(
        'categories.rules',
        `${rule.name} is over categories of the outcome ${outcome}`,
        `Give it a name that begins with "${outcome}.".`,
      );
    }
    const impossible = impossibleCondition(rule);
    if (impossible !== null) {
      const { field, text, words } = impossible;
      throw fault(
        'categories.rules',
        `${rule.name} asks for the ${field} ${text}, which there is none of`,
        `There are: ${words.join(', ')}.`,
      );
    }
    const made = compileRule(rule, over);
    if ([...tree, ...added.map(({ category }) => category)].some(({ code, name }) => name === rule.name || code === made.category.code)) {
      throw fault('categories.rules', `there is a category ${rule.name} already`, 'Choose another name.');
    }
    added.push(made);
  }
  const all = [...tree, ...added.map(({ category }) => category)];

  const names = new Map<string, string>();
  for (const [given, name] of Object.entries(settings['categories.rename'])) {
    const { code } = find('categories.rename', given);
    const holder = all.find((other) => other.code !== code && (names.get(other.code) ?? other.name) === name);
    if (holder !== undefined) {
      throw fault('categories.rename', `${name} is already the name of ${holder.code}`, 'To count two as one, use categories.merge.');
    }
    names.set(code, name);
  }

  const merged = new Map<string, Category>();
  for (const [given, target] of Object.entries(settings['categories.merge'])) {
    const from = find('categories.merge', given);
    const into = find('categories.merge', target, all);
    if (from.outcome !== into.outcome) {
      throw fault(
        'categories.merge',
        `${from.code} is ${from.outcome} and ${into.code} is ${into.outcome}`,
        'Merge within one outcome: across outcomes it would change the crash rate.',
      );
    }
    merged.set(from.code, into);
  }
  const off = new Set(settings['categories.off'].map((given) => find('categories.off', given).code));
  for (const code of off) {
    if (residuals(code, tree).length > 0) continue;
    const residual = tree.find((category) => category.code === code)!.residual;
    throw fault(
      'categories.off',
      residual ? `${code} is what the others of its family are counted as` : `the family of ${code} has no residual leaf to count it as`,
      'Name the category it should be counted as in categories.merge.',
    );
  }

  /** Where a leaf ends up. `verdict` chooses between the two residual leaves of wrong answers. */
  const settle = (category: Category, verdict: Verdict | null): Category => {
    let current = category;
    for (const seen = new Set<string>(); ;) {
      if (seen.has(current.code)) {
        throw fault(
          merged.has(current.code) ? 'categories.merge' : 'categories.off',
          `${[...seen, current.code].join(' -> ')} is a circle`,
          'Remove one of these from categories.merge or categories.off.',
        );
      }
      seen.add(current.code);
      const into = merged.get(current.code) ?? (off.has(current.code) ? residualFor(current.code, tree, verdict) : undefined);
      if (into === undefined) return current;
      current = into;
    }
  };
  for (const category of tree) settle(category, null);

  const nameOf = (category: Category): string => names.get(category.code) ?? category.name;
  return {
    categories: all.filter(({ code }) => !merged.has(code) && !off.has(code)).map((category) => ({ ...category, name: nameOf(category) })),
    settings: settingsText(settings),
    apply: (decided, evidence) => {
      const { category, generation, ...rest } = decided;
      const own = category === null ? undefined : added.find(({ over, holds }) => over.has(category.code) && holds(evidence, decided));
      const settled = own?.category ?? (category === null ? null : settle(category, evidence.verdict));
      return {
        ...rest,
        rule: own === undefined ? rest.rule : `config:${own.category.name}`,
        categoryCode: settled?.code ?? null,
        categoryName: settled === null ? null : nameOf(settled),
        generationCode: generation?.code ?? null,
      };
    },
  };
}

/** Entries that are empty are left out, and keys are in order, so that equal settings are equal texts. */
function settingsText(settings: CategorySettings): string {
  const entries = CATEGORY_KEYS.flatMap((key) => (Object.keys(settings[key]).length > 0 ? [[key, sorted(settings[key])] as const] : []));
  return JSON.stringify(Object.fromEntries(entries));
}

function sorted(value: CategorySettings[CategoryKey]): unknown {
  // The order of rules matters, and that of leaves that are off does not.
  if (Array.isArray(value)) return value.every((each) => typeof each === 'string') ? value.toSorted() : value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function residuals(code: string, tree: readonly Category[]): Category[] {
  const family = `${code.split('.')[0]!}.`;
  return tree.filter((category) => category.residual && category.code.startsWith(family) && category.code !== code);
}

/** Wrong answers have two residual leaves: some assertions passed (the first), none did (the second). */
function residualFor(code: string, tree: readonly Category[], verdict: Verdict | null): Category | undefined {
  const [first, second] = residuals(code, tree);
  if (second === undefined) return first;
  return (verdict?.measurements.assertions?.passed ?? 0) > 0 ? first : second;
}
