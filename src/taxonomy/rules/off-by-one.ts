/** 8.5: an integer one away, or a sequence one element too long, too short or shifted. */
import { relation } from './relation.js';

export const offByOne = relation('off by one', 'off_by_one');
