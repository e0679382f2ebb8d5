/**
 * The decision: which leaf a sample falls in. This file holds the order, `rules/` what each leaf asks.
 *
 * A passing sample has no category, or is fragile (9). A failing one is asked in the order 0, 7, 5, 6, 2, 3, 4, 8: what the kernel and the
 * supervisor saw comes before what the program says of itself. Category 1 is computed beside it, and takes the place
 * of the family's own leaf only over the families that its row names.
 */
import { FaultlineError } from '../errors.js';
import type { Outcome } from '../sandbox/verdict.js';
import { categoryByCode } from './categories.js';
import { placeOf } from './place.js';
import { GENERATION_RULES, RULES, type Family, type RuleRow } from './rules/index.js';
import { isMemory } from './rules/memory.js';
import { isRefusal } from './rules/os-error.js';
import { exceptionOf, isA } from './rules/rule.js';
import { asksForInput } from './rules/stdin.js';
import { tagsOf } from './tags.js';
import type { Classification, Evidence } from './types.js';

interface Match<Row extends RuleRow> {
  readonly row: Row;
  readonly seen: string;
}

/** Decides about one sample. Pure; never throws for a verdict that the sandbox's types allow. */
export function classify(evidence: Evidence): Classification {
  const stage = stageOf(evidence);
  const place = placeOf(evidence);
  const exception = exceptionOf(evidence);
  const about = { place, node: exception?.statement ?? null, tags: tagsOf(evidence) };
  if (stage === 'pass') {
    const decided = firstMatch(RULES.pass, evidence);
    const shared = { outcome: 'pass', generation: null, ...about } as const;
    return decided === null
      ? { category: null, evidence: 'all assertions hold', rule: null, ...shared }
      : { category: categoryByCode(decided.row.code), evidence: decided.seen, rule: decided.row.name, ...shared };
  }
  const beside = GENERATION_RULES.flatMap((row) => match(row, evidence) ?? []);
  const over = beside.find(({ row }) => row.over.includes(stage));
  const decided = over ?? (stage === 'generation' ? null : firstMatch(RULES[stage], evidence));
  if (decided === null) {
    throw new FaultlineError('internal', `no rule of the taxonomy holds for a verdict of status ${evidence.verdict.outcome.status}`);
  }
  const category = categoryByCode(decided.row.code);
  const generation = over ?? beside[0];
  return {
    category,
    outcome: category.outcome,
    evidence: decided.seen,
    generation: generation === undefined ? null : categoryByCode(generation.row.code),
    rule: decided.row.name,
    ...about,
  };
}

/** Where the decision is made. `generation`: there was nothing to run or to call, so that only category 1 can say why. */
function stageOf(evidence: Evidence): Family | 'generation' {
  const { outcome } = evidence.verdict;
  const exception = exceptionOf(evidence);
  // What the compiler raises, MemoryError for its own stack included, is about the text.
  if (outcome.status === 'syntax') return 'syntax';
  // Whatever the phase they surface in, these belong to families that are asked before the phase's own.
  if (exception !== null && (isMemory(exception) || asksForInput(exception))) return 'resource';
  if (exception !== null && (isA(exception, 'SystemExit') || isRefusal(exception))) return 'exit';
  return stageOfStatus(outcome);
}

function stageOfStatus(outcome: Outcome): Family | 'generation' {
  switch (outcome.status) {
    case 'passed':
      return 'pass';
    case 'infra':
    case 'tamper':
    case 'syntax':
      return outcome.status;
    case 'unsupported':
      return 'infra';
    case 'limit':
      return 'resource';
    case 'exit':
    case 'signal':
    case 'forbidden':
      return 'exit';
    case 'exception':
      return outcome.phase === 'load' ? 'load' : 'crash';
    case 'missing_entry_point':
    case 'not_run':
      return 'generation';
    case 'unserialisable':
    case 'assertion':
    case 'test_error':
      return 'wrong';
  }
}

function match<Row extends RuleRow>(row: Row, evidence: Evidence): Match<Row> | null {
  const seen = row.rule(evidence);
  return seen === null ? null : { row, seen };
}

function firstMatch(rows: readonly RuleRow[], evidence: Evidence): Match<RuleRow> | null {
  for (const row of rows) {
    const found = match(row, evidence);
    if (found !== null) return found;
  }
  return null;
}
