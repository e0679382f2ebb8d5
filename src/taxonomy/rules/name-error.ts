/** 3.1, 4.1: NameError, with UnboundLocalError. */
import { exceptionRule } from './rule.js';

export const nameError = exceptionRule('NameError');
