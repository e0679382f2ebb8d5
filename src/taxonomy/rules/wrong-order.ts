/** 8.4: the elements are the expected ones, in another order or number. */
import { relation } from './relation.js';

export const wrongOrder = relation('the right elements in another order or number', 'order', 'repeats');
