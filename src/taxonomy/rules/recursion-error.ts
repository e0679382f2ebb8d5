/** 3.8, 4.8: RecursionError. */
import { exceptionRule } from './rule.js';

export const recursionError = exceptionRule('RecursionError');
