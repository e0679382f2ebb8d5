/** 2.2: IndentationError, and TabError that derives from it. */
import { exceptionRule } from './rule.js';

export const syntaxIndentation = exceptionRule('IndentationError');
