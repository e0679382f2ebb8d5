/**
 * The table of rules: which leaf each one decides, and in which order. Adding a leaf is one file and one row here.
 * Every family ends with a rule that holds for all of the family, so that each failure finds its leaf.
 */
import { allWrong } from './all-wrong.js';
import { alwaysNone } from './always-none.js';
import { anyException } from './any-exception.js';
import { arithmeticError } from './arithmetic-error.js';
import { attributeError } from './attribute-error.js';
import { earlyExit } from './early-exit.js';
import { empty } from './empty.js';
import { entryPoint } from './entry-point.js';
import { forbiddenCall } from './forbidden-call.js';
import { importError } from './import-error.js';
import { infra } from './infra.js';
import { limit } from './limit.js';
import { lookupError } from './lookup-error.js';
import { memory } from './memory.js';
import { nameError } from './name-error.js';
import { ownRaise } from './own-raise.js';
import { partial } from './partial.js';
import { printed } from './printed.js';
import { recursionError } from './recursion-error.js';
import { repetition } from './repetition.js';
import type { Rule } from './rule.js';
import { signal } from './signal.js';
import { syntaxIndentation } from './syntax-indentation.js';
import { syntaxMisplaced } from './syntax-misplaced.js';
import { syntaxToken } from './syntax-token.js';
import { syntaxUnclosed } from './syntax-unclosed.js';
import { tamper } from './tamper.js';
import { truncated } from './truncated.js';
import { typeError } from './type-error.js';
import { valueError } from './value-error.js';
import { wrongType } from './wrong-type.js';

/** The stages at which a failing sample can be decided, in the order in which they are asked. */
export type Family = 'infra' | 'tamper' | 'resource' | 'exit' | 'syntax' | 'load' | 'crash' | 'wrong';

export interface RuleRow {
  /** The leaf that this rule decides. */
  readonly code: string;
  readonly rule: Rule;
}

/** What 3 and 4 ask of an exception; the number after the dot is the leaf's. */
const EXCEPTION_RULES: readonly (readonly [leaf: number, rule: Rule])[] = [
  [9, ownRaise],
  [1, nameError],
  [2, attributeError],
  [3, importError],
  [4, typeError],
  [5, lookupError],
  [6, valueError],
  [7, arithmeticError],
  [8, recursionError],
  [10, anyException],
];

/** The rules of each family, first match wins. */
export const RULES: Readonly<Record<Family, readonly RuleRow[]>> = {
  infra: [{ code: '0', rule: infra }],
  tamper: [{ code: '7', rule: tamper }],
  resource: [
    { code: '5.2', rule: memory },
    { code: '5.1', rule: limit('cpu') },
    { code: '5.3', rule: limit('output') },
    { code: '5.4', rule: limit('blocked') },
    { code: '5.5', rule: limit('processes', 'files') },
  ],
  exit: [
    { code: '6.1', rule: earlyExit },
    { code: '6.2', rule: signal },
    { code: '6.3', rule: forbiddenCall },
  ],
  syntax: [
    { code: '2.2', rule: syntaxIndentation },
    { code: '2.1', rule: syntaxUnclosed },
    { code: '2.3', rule: syntaxToken },
    { code: '2.4', rule: syntaxMisplaced },
    { code: '2.5', rule: anyException },
  ],
  load: EXCEPTION_RULES.map(([leaf, rule]) => ({ code: `3.${leaf}`, rule })),
  crash: EXCEPTION_RULES.map(([leaf, rule]) => ({ code: `4.${leaf}`, rule })),
  wrong: [
    { code: '8.2', rule: printed },
    { code: '8.1', rule: alwaysNone },
    { code: '8.3', rule: wrongType },
    { code: '8.11', rule: partial },
    { code: '8.12', rule: allWrong },
  ],
};

export interface GenerationRow extends RuleRow {
  /**
   * Where this leaf becomes the category; elsewhere it only stands beside it. `generation` stands for samples that
   * never came as far as another family: nothing to run, or nothing to call.
   */
  readonly over: readonly (Family | 'generation')[];
}

/**
 * Category 1, computed beside the family's own leaf; first match wins. Repetition is asked before truncation: a text
 * that goes in circles meets any limit, so that a longer one would not have helped.
 */
export const GENERATION_RULES: readonly GenerationRow[] = [
  { code: '1.5', rule: entryPoint, over: ['generation', 'load', 'crash'] },
  { code: '1.2', rule: empty, over: ['wrong'] },
  { code: '1.3', rule: repetition, over: ['syntax', 'wrong'] },
  { code: '1.1', rule: truncated, over: ['generation', 'syntax'] },
];
