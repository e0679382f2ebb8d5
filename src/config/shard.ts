/**
 * A shard of an experiment's work: which problems it holds. Not a file of token arrays (those are `store/shards.ts`'s).
 *
 * The unit is the problem, with all its samples: a prompt is computed once and read once per step for all of them, and equal
 * programs of a problem are executed once, so that n shards together cost what the whole costs. Problems are dealt out in the
 * order of their file, because neighbours there are often alike in difficulty and length.
 */
import { refuse, type ValueType } from './value-types.js';

export interface Shard {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

/** What a run without a shard holds. */
export const WHOLE: Shard = { index: 0, count: 1 };

const MOST = 65_536;

/** `i/n` as people write it; 0 <= i < n. */
export function shard(): ValueType<Shard> {
  const expected = 'a shard i/n with i from 0 to n - 1, such as 0/2 or 1/2';
  const parse = (raw: unknown): Shard => {
    const match = typeof raw === 'string' ? /^(\d{1,5})\/(\d{1,5})$/.exec(raw) : null;
    const [index, count] = [Number(match?.[1]), Number(match?.[2])];
    if (match === null || count < 1 || count > MOST || index >= count) refuse(expected, raw);
    return { index, count };
  };
  return { expected, parse, fromText: parse };
}

export function showShard({ index, count }: Shard): string {
  return `${index}/${count}`;
}

export function sameShard(a: Shard, b: Shard): boolean {
  return a.index === b.index && a.count === b.count;
}

/** Whether one of the shards holds the problem at this place (from 0) of the problem file. */
export function holds(shards: readonly Shard[], position: number): boolean {
  return shards.some(({ index, count }) => position % count === index);
}

/** The items that the shards hold, in order. `items` are all of an experiment's problems, or what stands for them. */
export function heldBy<T>(shards: readonly Shard[], items: readonly T[]): T[] {
  return items.filter((_, position) => holds(shards, position));
}
