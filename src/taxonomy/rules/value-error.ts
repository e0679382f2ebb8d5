/** 3.6, 4.6: ValueError, with what derives from it (UnicodeError, JSONDecodeError). */
import { exceptionRule } from './rule.js';

export const valueError = exceptionRule('ValueError');
