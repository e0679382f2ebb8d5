/** Who may start now, on fake workers: the order of jobs, those that run alone, those handed ahead and handed back. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Schedule, type Schedulable } from '../../../src/sandbox/schedule.js';

interface Job extends Schedulable {
  readonly name: string;
  done: boolean;
  deaths: number;
}

const job = (name: string, fields: Partial<Job> = {}): Job => ({ name, done: false, hashSeed: 0, deaths: 0, ...fields });

/** Slots that write down what they are told, and workers that take whatever they are handed. */
function open(slots: number) {
  const log: string[] = [];
  const at = new Map<number, Job>();
  const crew = { takes: true };
  const schedule = new Schedule<Job, string>(slots, {
    start: (task, slot, handed) => {
      at.set(slot, task);
      log.push(`${slot} ${handed === null ? 'begins' : 'goes on with'} ${handed ?? task.name}`);
    },
    handAhead: (task, slot) => {
      if (!crew.takes) return null;
      log.push(`${slot} has ${task.name} ahead`);
      return task.name;
    },
    giveUp: (slot) => log.push(`${slot} is given up`),
  });
  /** What has happened since the last look. */
  const news = (): string[] => log.splice(0);
  const add = (...jobs: readonly (Job | string)[]): void => {
    for (const one of jobs) schedule.add(typeof one === 'string' ? job(one) : one);
  };
  /** The slot's worker has answered, and everything about its job is decided but for `then`. */
  const end = (slot: number, then: (task: Job) => void = (task) => (task.done = true)): void => {
    schedule.answered(slot);
    then(at.get(slot)!);
    schedule.ended(slot);
  };
  return { schedule, crew, news, add, end };
}

describe('jobs', () => {
  it('start in the order in which they came, on the first slot that is free', () => {
    const { news, add, end } = open(2);
    add('a', 'b', 'c', 'd');
    expect(news()).toEqual(['0 begins a', '1 begins b']);
    end(1);
    end(0);
    expect(news()).toEqual(['1 begins c', '0 begins d']);
    end(0);
    end(1);
    add('e');
    expect(news()).toEqual(['0 begins e']);
  });

  it('that were aborted while they waited are left out', () => {
    const { news, add, end } = open(1);
    const [b, c] = [job('b'), job('c')];
    add('a', b, c, 'd');
    b.done = c.done = true;
    end(0);
    expect(news()).toEqual(['0 begins a', '0 begins d']);
  });

  it('that have to run again are the next to run', () => {
    const { schedule, news, add, end } = open(1);
    add('a', 'b');
    end(0, (task) => schedule.again(task));
    end(0);
    expect(news()).toEqual(['0 begins a', '0 begins a', '0 begins b']);
  });

  it('that were aborted while they ran do not run again, alone or not', () => {
    const { schedule, news, add, end } = open(2);
    add('a', 'b', 'c', 'd', 'e');
    for (const line of ['again', 'againAlone', 'addAlone'] as const) {
      end(0, (task) => {
        task.done = true;
        schedule[line](task);
      });
    }
    expect(news()).toEqual(['0 begins a', '1 begins b', '0 begins c', '0 begins d', '0 begins e']);
  });

  it('wait for ever once all is stopped, and are named in order', () => {
    const { schedule, news, add, end } = open(2);
    add('a', 'b', 'c', 'd', 'e', 'f');
    end(1, (task) => schedule.addAlone(task));
    schedule.received(0);
    expect(news()).toEqual(['0 begins a', '1 begins b']);
    expect(schedule.stop().map(({ name }) => name)).toEqual(['c', 'd', 'e', 'f', 'b']);
    // One that was in the middle of it.
    end(0, (task) => schedule.again(task));
    expect(news()).toEqual([]);
    expect(schedule.stop().map(({ name }) => name)).toEqual(['a']);
    expect(schedule.stop()).toEqual([]);
  });
});

describe('a job that runs alone', () => {
  it('waits until all slots are free, and nothing starts meanwhile or beside it', () => {
    const { schedule, news, add, end } = open(3);
    add('a', 'b', 'c', 'd', 'e', 'f', 'g');
    end(1, (task) => schedule.addAlone(task));
    add('h');
    end(0);
    schedule.received(2);
    expect(news()).toEqual(['0 begins a', '1 begins b', '2 begins c']);
    end(2);
    expect(news()).toEqual(['0 begins b']);
    schedule.received(0);
    add('i');
    expect(news()).toEqual([]);
    end(0);
    expect(news()).toEqual(['0 begins d', '1 begins e', '2 begins f']);
  });

  it('has none handed ahead to other workers while it waits, nor to its own while it runs', () => {
    const { schedule, news, add, end } = open(2);
    add('a', 'b', 'c', 'd', 'e', 'f');
    end(0, (task) => schedule.addAlone(task));
    schedule.received(1);
    end(1);
    schedule.received(0);
    expect(news()).toEqual(['0 begins a', '1 begins b', '0 begins a']);
  });

  it('lets workers do what they have ahead already', () => {
    const { schedule, news, add, end } = open(2);
    add('a', 'b', 'c', 'd', 'e');
    schedule.received(0);
    end(1, (task) => schedule.addAlone(task));
    end(0);
    schedule.received(0);
    expect(news()).toEqual(['0 begins a', '1 begins b', '0 has c ahead', '0 goes on with c']);
    end(0);
    expect(news()).toEqual(['0 begins b']);
  });

  it('comes before those that wait longer where it runs again, and behind them where it is new', () => {
    const { schedule, news, add, end } = open(3);
    add('a', 'b', 'c');
    end(0, (task) => schedule.addAlone(task));
    end(1, (task) => schedule.addAlone(task));
    end(2, (task) => schedule.againAlone(task));
    end(0);
    end(0, (task) => schedule.againAlone(task));
    end(0);
    end(0);
    expect(news().slice(3)).toEqual(['0 begins c', '0 begins a', '0 begins a', '0 begins b']);
  });

  it('is left out where it was aborted meanwhile', () => {
    const { schedule, news, add, end } = open(2);
    const a = job('a');
    add(a, 'b', 'c');
    end(0, (task) => schedule.addAlone(task));
    a.done = true;
    end(1);
    expect(news()).toEqual(['0 begins a', '1 begins b', '0 begins c']);
  });
});

describe('a job is handed ahead', () => {
  it('to each worker that has received its own, one at a time', () => {
    const { schedule, news, add, end } = open(2);
    add('a', 'b', 'c', 'd', 'e', 'f', 'g');
    expect(news()).toEqual(['0 begins a', '1 begins b']);
    schedule.received(1);
    schedule.received(0);
    add('h');
    expect(news()).toEqual(['1 has c ahead', '0 has d ahead']);
    end(1);
    schedule.received(1);
    expect(news()).toEqual(['1 goes on with c', '1 has e ahead']);
  });

  it('when it comes, where enough wait', () => {
    const { schedule, news, add } = open(2);
    add('a', 'b');
    schedule.received(0);
    schedule.received(1);
    add('c');
    expect(news()).toEqual(['0 begins a', '1 begins b']);
    add('d');
    expect(news()).toEqual(['0 has c ahead']);
    add('e');
    expect(news()).toEqual(['1 has d ahead']);
  });

  it('unless it is one of the last few, of which aborted ones at the front are none', () => {
    const { schedule, news, add } = open(2);
    const c = job('c');
    add('a', 'b', c, 'd');
    c.done = true;
    schedule.received(0);
    expect(news()).toEqual(['0 begins a', '1 begins b']);
    add('e');
    expect(news()).toEqual(['0 has d ahead']);
  });

  it('unless it needs the interpreter of another hash seed', () => {
    const { schedule, news, add, end } = open(1);
    add(job('a', { hashSeed: 1 }), 'b', job('c', { hashSeed: 1 }));
    schedule.received(0);
    expect(news()).toEqual(['0 begins a']);
    end(0);
    schedule.received(0);
    expect(news()).toEqual(['0 begins b']);
    add('d');
    end(0);
    add(job('e', { hashSeed: 1 }));
    expect(news()).toEqual(['0 begins c']);
  });

  it('unless workers have died under it, or under the one that the worker is at', () => {
    const { schedule, news, add, end } = open(1);
    add('a', job('b', { deaths: 1 }), 'c');
    schedule.received(0);
    end(0);
    schedule.received(0);
    expect(news()).toEqual(['0 begins a', '0 begins b']);
    add('d');
    end(0);
    schedule.received(0);
    expect(news()).toEqual(['0 begins c', '0 has d ahead']);
  });

  it('unless the worker takes none, or has answered', () => {
    const { schedule, crew, news, add } = open(1);
    add('a', 'b', 'c');
    crew.takes = false;
    schedule.received(0);
    add('d');
    expect(news()).toEqual(['0 begins a']);
    crew.takes = true;
    add('e');
    expect(news()).toEqual(['0 has b ahead']);
    schedule.handBack(0);
    schedule.answered(0);
    add('f');
    expect(news()).toEqual([]);
  });

  it('and given up with its worker where it was aborted', () => {
    const { schedule, news, add, end } = open(1);
    const b = job('b');
    add('a', b, 'c');
    schedule.received(0);
    b.done = true;
    add('d');
    end(0);
    expect(news()).toEqual(['0 begins a', '0 has b ahead', '0 is given up', '0 begins c']);
  });
});

describe('a worker that is given up', () => {
  it('hands its job ahead back, to be the next on whichever slot', () => {
    const { schedule, news, add, end } = open(2);
    add('a', 'b', 'c', 'd', 'e');
    schedule.received(0);
    schedule.handBack(0);
    end(1);
    end(0);
    expect(news()).toEqual(['0 begins a', '1 begins b', '0 has c ahead', '1 begins c', '0 begins d']);
  });

  it('gets no other before its job has ended', () => {
    const { schedule, news, add } = open(1);
    add('a', 'b', 'c');
    schedule.received(0);
    schedule.handBack(0);
    add('d');
    expect(news()).toEqual(['0 begins a', '0 has b ahead']);
  });

  it('hands it back behind its own job, where that runs again', () => {
    const { schedule, news, add, end } = open(1);
    add('a', 'b', 'c');
    schedule.received(0);
    end(0, (task) => {
      schedule.handBack(0);
      schedule.again(task);
    });
    end(0);
    end(0);
    expect(news()).toEqual(['0 begins a', '0 has b ahead', '0 begins a', '0 begins b', '0 begins c']);
  });

  it('hands back none that was aborted', () => {
    const { schedule, news, add, end } = open(1);
    const b = job('b');
    add('a', b, 'c');
    schedule.received(0);
    b.done = true;
    schedule.handBack(0);
    end(0);
    expect(news()).toEqual(['0 begins a', '0 has b ahead', '0 begins c']);
  });

  it('hands it back before all is stopped, or it would be lost', () => {
    const { schedule, add } = open(1);
    add('a', 'b', 'c');
    schedule.received(0);
    schedule.handBack(0);
    expect(schedule.stop().map(({ name }) => name)).toEqual(['b', 'c']);
  });
});

const slot = fc.nat({ max: 3 });
const EVENT = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('add' as const), hashSeed: fc.nat({ max: 1 }), count: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('received' as const), slot }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('abort' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('abort what is ahead' as const), slot }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hand back' as const), slot }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('take' as const), slot, takes: fc.boolean() }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      slot,
      gone: fc.boolean(),
      as: fc.constantFrom('done', 'done', 'done', 'again', 'death', 'second run'),
    }),
  },
);

type Event = typeof EVENT extends fc.Arbitrary<infer E> ? E : never;

/** A slot as the schedule should see it. */
interface Place {
  task: Job | null;
  received: boolean;
  /** Not given up, and has not answered. */
  live: boolean;
  ahead: Job | null;
  takes: boolean;
}

/** How often what must not go wrong came about. */
const newCounts = () => ({ ahead: 0, alone: 0, givenUp: 0, handedBack: 0 });

/**
 * Plays a sequence of events, holds every decision to what the slots are at, and brings all to an end: by stopping the schedule first, or
 * job by job.
 */
function play(count: number, events: readonly Event[], stops: boolean, seen: ReturnType<typeof newCounts>): void {
  const places = Array.from({ length: count }, (): Place => ({
    task: null,
    received: false,
    live: false,
    ahead: null,
    takes: true,
  }));
  const jobs: Job[] = [];
  /** In their second run, which is always alone. */
  const seconds = new Set<Job>();
  /** That run alone, these and others. */
  const lonely = new Set<Job>();
  const state = { stopped: false };
  const isWaiting = (task: Job): boolean => !task.done && places.every((own) => own.task !== task && own.ahead !== task);
  const isAloneOnOrWaiting = (): boolean => [...lonely].some((task) => isWaiting(task) || places.some((own) => own.task === task));

  const schedule = new Schedule<Job, Job>(count, {
    start: (task, index, handed) => {
      const own = places[index]!;
      expect(state.stopped).toBe(false);
      expect(task.done).toBe(false);
      expect(own.task).toBeNull();
      // The worker does what it was handed, and nothing else before that.
      expect(handed).toBe(own.ahead);
      if (handed === null) expect(isWaiting(task)).toBe(true);
      else expect(handed).toBe(task);
      own.ahead = null;
      expect(places.filter((other) => other.task === task || other.ahead === task)).toEqual([]);
      expect(places.some((other) => other.task !== null && lonely.has(other.task))).toBe(false);
      if (lonely.has(task)) {
        seen.alone++;
        expect(places.every((other) => other.task === null && other.ahead === null)).toBe(true);
      } else if (handed === null) expect(isAloneOnOrWaiting()).toBe(false);
      Object.assign(own, { task, live: true, received: handed !== null });
      if (handed !== null) schedule.received(index);
    },
    handAhead: (task, index) => {
      const own = places[index]!;
      expect(state.stopped).toBe(false);
      expect(isWaiting(task)).toBe(true);
      expect(own).toMatchObject({ ahead: null, live: true, received: true, task: { deaths: 0, hashSeed: task.hashSeed } });
      expect(task.deaths).toBe(0);
      expect(isAloneOnOrWaiting()).toBe(false);
      if (!own.takes) return null;
      seen.ahead++;
      own.ahead = task;
      return task;
    },
    giveUp: (index) => {
      const own = places[index]!;
      expect(own.task).toBeNull();
      expect(own.ahead?.done).toBe(true);
      seen.givenUp++;
      own.ahead = null;
    },
  });
  const handBack = (index: number): void => {
    const own = places[index]!;
    if (own.ahead !== null) seen.handedBack++;
    own.ahead = null;
    own.live = false;
    schedule.handBack(index);
  };
  const end = (index: number, as: string, gone: boolean): void => {
    const own = places[index]!;
    const { task } = own;
    if (task === null) return;
    own.live = false;
    schedule.answered(index);
    if (gone || as === 'death') handBack(index);
    // Only what runs is put in a line again, as in the executor: until its end it is at its slot as well.
    if (task.done || as === 'done' || state.stopped) task.done = true;
    else if (as === 'again') {
      if (!seconds.has(task)) lonely.delete(task);
      schedule[seconds.has(task) ? 'againAlone' : 'again'](task);
    } else {
      lonely.add(task);
      if (as === 'death') task.deaths++;
      else seconds.add(task);
      schedule[as === 'death' ? 'againAlone' : 'addAlone'](task);
    }
    own.task = null;
    schedule.ended(index);
  };

  for (const one of events) {
    const index = 'slot' in one ? one.slot % count : 0;
    const own = places[index]!;
    if (one.kind === 'add') {
      for (let i = 0; i < one.count; i++) {
        jobs.push(job(`job ${jobs.length}`, { hashSeed: one.hashSeed }));
        schedule.add(jobs.at(-1)!);
      }
    } else if (one.kind === 'received') {
      if (!own.live || own.received) continue;
      own.received = true;
      schedule.received(index);
    } else if (one.kind === 'take') own.takes = one.takes;
    else if (one.kind === 'hand back') {
      if (own.task !== null) handBack(index);
    } else if (one.kind === 'abort what is ahead') {
      if (own.ahead !== null) own.ahead.done = true;
    } else if (one.kind === 'abort') {
      const open = jobs.filter(({ done }) => !done);
      const task = open[one.pick % Math.max(1, open.length)];
      if (task === undefined) continue;
      const running = places.findIndex((other) => other.task === task);
      if (running >= 0) handBack(running);
      task.done = true;
    } else end(index, one.as, one.gone);
    if (places.every(({ task }) => task === null)) expect(jobs.filter(({ done }) => !done)).toEqual([]);
  }
  if (stops) {
    for (let index = 0; index < count; index++) handBack(index);
    const waiting = jobs.filter(isWaiting);
    state.stopped = true;
    const stopped = schedule.stop();
    expect(new Set(stopped).size).toBe(stopped.length);
    expect(new Set(stopped.filter(({ done }) => !done))).toEqual(new Set(waiting));
    for (const task of stopped) task.done = true;
  }
  // Every turn ends at least one job for good.
  for (let turns = jobs.length; turns >= 0 && places.some(({ task }) => task !== null); turns--)
    for (let index = 0; index < count; index++) end(index, 'done', false);
  expect(jobs.filter(({ done }) => !done)).toEqual([]);
  expect(places.filter(({ task, ahead }) => task !== null || ahead !== null)).toEqual([]);
}

describe('whatever happens', () => {
  it('no job is lost, run twice at a time or beside one that is alone, and all end', () => {
    const seen = newCounts();
    const events = fc.array(EVENT, { maxLength: 100, size: 'max' });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), events, fc.boolean(), (count, given, stops) => play(count, given, stops, seen)),
      { numRuns: 300 },
    );
    // All of it has happened: by the dozen, as a rule.
    for (const times of Object.values(seen)) expect(times).toBeGreaterThan(0);
  });
});
