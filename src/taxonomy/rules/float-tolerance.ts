/** 8.6: numbers that are equal but for rounding. */
import { relation } from './relation.js';

export const floatTolerance = relation('equal but for rounding', 'rounding');
