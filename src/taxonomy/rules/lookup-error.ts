/** 3.5, 4.5: IndexError, KeyError, StopIteration. Not every LookupError: an unknown codec is no bound. */
import { exceptionRule } from './rule.js';

export const lookupError = exceptionRule('IndexError', 'KeyError', 'StopIteration');
