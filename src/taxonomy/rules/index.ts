/**
 * The table of rules: which leaf each one decides, and in which order. Adding a leaf is one file and one row here.
 */
import { allWrong } from './all-wrong.js';
import { alwaysNone } from './always-none.js';
import { anyException } from './any-exception.js';
import { arithmeticError } from './arithmetic-error.js';
import { attributeError } from './attribute-error.js';
import { constant } from './constant.js';
import { cornerCase } from './corner-case.js';
import { earlyExit } from './early-exit.js';
import { empty } from './empty.js';
import { entryPoint } from './entry-point.js';
import { floatTolerance } from './float-tolerance.js';
import { forbiddenCall } from './forbidden-call.js';
import { fragile } from './fragile.js';
import { hiddenOnly } from './hidden-only.js';
import { importError } from './import-error.js';
import { infra } from './infra.js';
import { limit } from './limit.js';
import { lookupError } from './lookup-error.js';
import { memory } from './memory.js';
import { mutation } from './mutation.js';
import { nameError } from './name-error.js';
import { offByOne } from './off-by-one.js';
import { offLanguage } from './off-language.js';
import { ownRaise } from './own-raise.js';
import { partial } from './partial.js';
import { printed } from './printed.js';
import { recursionError } from './recursion-error.js';
import { repetition } from './repetition.js';
import type { Rule } from './rule.js';
import { signal } from './signal.js';
import { stdin } from './stdin.js';
import { syntaxAdjacent } from './syntax-adjacent.js';
import { syntaxIndentation } from './syntax-indentation.js';
import { syntaxMisplaced } from './syntax-misplaced.js';
import { syntaxToken } from './syntax-token.js';
import { syntaxUnclosed } from './syntax-unclosed.js';
import { tamper } from './tamper.js';
import { truncated } from './truncated.js';
import { typeError } from './type-error.js';
import { valueError } from './value-error.js';
import { wrongOrder } from './wrong-order.js';
import { wrongType } from './wrong-type.js';

/** The stages at which a sample can be decided: those of failures in the order in which they are asked, and `pass`. */
export type Family = 'pass' | 'infra' | 'tamper' | 'resource' | 'exit' | 'syntax' | 'load' | 'crash' | 'wrong';

export interface RuleRow {
  /** The leaf that this rule decides. */
  readonly code: string;
  /** The rule's file, without `.ts`: stored with every decision. */
  readonly name: string;
  readonly rule: Rule;
}

/** What 3 and 4 ask of an exception; the number after the dot is the leaf's. */
const EXCEPTION_RULES: readonly (readonly [leaf: number, name: string, rule: Rule])[] = [
  [9, 'own-raise', ownRaise],
  [1, 'name-error', nameError],
  [2, 'attribute-error', attributeError],
  [3, 'import-error', importError],
  [4, 'type-error', typeError],
  [5, 'lookup-error', lookupError],
  [6, 'value-error', valueError],
  [7, 'arithmetic-error', arithmeticError],
  [8, 'recursion-error', recursionError],
  [10, 'any-exception', anyException],
];

/**
 * The order within 8: what explains more comes first, so that a coincidence cannot hide it.
 *   8.2, 8.8   where the right value went instead: this names the very mistake. Before 8.1, as both return None.
 *   8.1, 8.7   a program that answers nothing, or nothing that depends on the question; it says all of every call.
 *   8.9        one trait tells the failing inputs, at most half, from the passing ones: it explains both, and the values below only the failing.
 *   8.3 to 8.6 how each failing value differs. Type before value. Order before off by one, as two swapped elements are also
 *              shifted by one; off by one before rounding, as a large integer one away is also within its tolerance.
 *   8.10       says which assertions fail, and nothing about why.
 * Each of 8.3 to 8.9 asks every failing assertion that has an expected value, or known inputs: not the first one alone.
 */
const WRONG_RULES: readonly RuleRow[] = [
  { code: '8.2', name: 'printed', rule: printed },
  { code: '8.8', name: 'mutation', rule: mutation },
  { code: '8.1', name: 'always-none', rule: alwaysNone },
  { code: '8.7', name: 'constant', rule: constant },
  { code: '8.9', name: 'corner-case', rule: cornerCase },
  { code: '8.3', name: 'wrong-type', rule: wrongType },
  { code: '8.4', name: 'wrong-order', rule: wrongOrder },
  { code: '8.5', name: 'off-by-one', rule: offByOne },
  { code: '8.6', name: 'float-tolerance', rule: floatTolerance },
  { code: '8.10', name: 'hidden-only', rule: hiddenOnly },
  { code: '8.11', name: 'partial', rule: partial },
  { code: '8.12', name: 'all-wrong', rule: allWrong },
];

/** The rules of each family, first match wins. Every one but `pass` ends with a rule that holds for all of it. */
export const RULES: Readonly<Record<Family, readonly RuleRow[]>> = {
  pass: [{ code: '9', name: 'fragile', rule: fragile }],
  infra: [{ code: '0', name: 'infra', rule: infra }],
  tamper: [{ code: '7', name: 'tamper', rule: tamper }],
  resource: [
    { code: '5.2', name: 'memory', rule: memory },
    { code: '5.4', name: 'stdin', rule: stdin },
    { code: '5.1', name: 'limit', rule: limit('cpu') },
    { code: '5.3', name: 'limit', rule: limit('output') },
    { code: '5.4', name: 'limit', rule: limit('blocked') },
    { code: '5.5', name: 'limit', rule: limit('processes', 'files') },
  ],
  exit: [
    { code: '6.1', name: 'early-exit', rule: earlyExit },
    { code: '6.2', name: 'signal', rule: signal },
    { code: '6.3', name: 'forbidden-call', rule: forbiddenCall },
  ],
  syntax: [
    { code: '2.2', name: 'syntax-indentation', rule: syntaxIndentation },
    { code: '2.1', name: 'syntax-unclosed', rule: syntaxUnclosed },
    { code: '2.3', name: 'syntax-token', rule: syntaxToken },
    { code: '2.6', name: 'syntax-adjacent', rule: syntaxAdjacent },
    { code: '2.4', name: 'syntax-misplaced', rule: syntaxMisplaced },
    { code: '2.5', name: 'any-exception', rule: anyException },
  ],
  load: EXCEPTION_RULES.map(([leaf, name, rule]) => ({ code: `3.${leaf}`, name, rule })),
  crash: EXCEPTION_RULES.map(([leaf, name, rule]) => ({ code: `4.${leaf}`, name, rule })),
  wrong: WRONG_RULES,
};

export interface GenerationRow extends RuleRow {
  /**
   * Where this leaf becomes the category; elsewhere it only stands beside it. `generation` stands for samples that
   * never came as far as another family: nothing to run, or nothing to call.
   */
  readonly over: readonly (Family | 'generation')[];
}

/**
 * Category 1, computed beside the family's own leaf; first match wins. Repetition and another language are asked before
 * truncation: a text that goes in circles or is no program meets any limit, so that a longer one would not have helped.
 */
export const GENERATION_RULES: readonly GenerationRow[] = [
  { code: '1.5', name: 'entry-point', rule: entryPoint, over: ['generation', 'load', 'crash'] },
  { code: '1.2', name: 'empty', rule: empty, over: ['wrong'] },
  { code: '1.3', name: 'repetition', rule: repetition, over: ['syntax', 'wrong'] },
  { code: '1.4', name: 'off-language', rule: offLanguage, over: ['syntax'] },
  { code: '1.1', name: 'truncated', rule: truncated, over: ['generation', 'syntax'] },
];
