/** 3.7, 4.7: ZeroDivisionError, OverflowError and decimal's own. */
import { exceptionRule } from './rule.js';

export const arithmeticError = exceptionRule('ArithmeticError');
