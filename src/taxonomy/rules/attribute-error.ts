/** 3.2, 4.2: AttributeError, also of None: what is missing is the member, whatever the object. */
import { exceptionRule } from './rule.js';

export const attributeError = exceptionRule('AttributeError');
