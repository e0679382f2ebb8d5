/** Which shards a run works on, given what was asked for and what the database holds. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { WHOLE, type Shard } from '../../../src/config/shard.js';
import type { FaultlineError } from '../../../src/errors.js';
import { describeShards, shardsToRun } from '../../../src/pipeline/work-shards.js';

const asking = (text: string | null) =>
  loadConfig({ environment: {}, flags: text === null ? [] : [{ key: 'shard', flag: '--shard', text }] });
const of = (index: number, count: number): Shard => ({ index, count });

describe('shardsToRun', () => {
  it.each<[string, string | null, Shard[] | null, Shard[]]>([
    ['nothing asked, nothing there: the whole', null, null, [WHOLE]],
    ['nothing asked: what is there', null, [of(1, 2)], [of(1, 2)]],
    ['a shard of a new experiment', '0/2', null, [of(0, 2)]],
    ['the shard that is there', '1/2', [of(1, 2)], [of(1, 2)]],
    ['another one of the same n', '0/2', [of(1, 2)], [of(0, 2)]],
    ['one of several that were merged, of any n', '0/2', [of(0, 2), of(1, 3)], [of(0, 2)]],
    ['the whole, by name', '0/1', [WHOLE], [WHOLE]],
  ])('%s', (_, asked, held, expected) => {
    expect(shardsToRun(asking(asked), held, 6)).toEqual(expected);
  });

  it.each<[string, string, Shard[] | null, RegExp]>([
    ['of another n', '0/3', [of(0, 2)], /^--shard: 0\/3 does not fit the database, which holds shard 0\/2 of this experiment$/],
    ['of a whole', '0/2', [WHOLE], /holds the whole of this experiment/],
    ['of a new n beside merged ones', '0/4', [of(0, 2), of(1, 3)], /holds shards 0\/2 and 1\/3/],
    ['of fewer problems than shards', '0/7', null, /^--shard: 0\/7 of 6 problems: some shards would hold none$/],
  ])('refuses a shard %s', (_, asked, held, message) => {
    try {
      shardsToRun(asking(asked), held, 6);
    } catch (thrown) {
      expect(thrown).toMatchObject({ kind: 'usage', message: expect.stringMatching(message) as string });
      expect((thrown as FaultlineError).hint).toMatch(/\.$/);
      return;
    }
    throw new Error('nothing was thrown');
  });
});

it('names shards', () => {
  expect([[WHOLE], [of(0, 2)], [of(0, 4), of(1, 4), of(3, 4)], [of(0, 2), WHOLE]].map(describeShards)).toEqual([
    'the whole',
    'shard 0/2',
    'shards 0/4, 1/4 and 3/4',
    'the whole',
  ]);
});
