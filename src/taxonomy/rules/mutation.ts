/**
 * 8.8: changed its arguments: into the expected value, in place of returning it; or beside returning the right value, so
 * that the test, which still holds them, compares with something else.
 */
import { relation } from './relation.js';

export const mutation = relation('changed its arguments: in place of returning, or beside it,', 'in_place', 'unaliased');
