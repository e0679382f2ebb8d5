/** Abort, dispose, workers, and what the event loop notices of them. Asserts order and outcomes, never times. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PLAIN_SAMPLING } from '../../../src/decoding/strategy.js';
import { addon, addonPaths } from '../../../src/engine/addon.js';
import type { Addon, NativeEvent, NativeModelOptions } from '../../../src/engine/addon-types.js';
import { TokenModel } from '../../../src/engine/token-model.js';
import type { GroupRequest } from '../../../src/engine/types.js';
import { build } from '../cli/faultline.js';
import { bundled, collect, group, root, tiny } from './golden.js';

/** More work than any test waits for: hundreds of steps of the bundled model. */
const long = (): GroupRequest[] =>
  Array.from({ length: 20 }, () =>
    group([4095, 291, 1079, 7], { sampleIndices: [...Array(32).keys()], maxNewTokens: 400, stopPolicy: 'none' }),
  );

/** The same after a sample of two tokens. */
const shortThenLong = (): GroupRequest[] => [group([4095, 291], { maxNewTokens: 2, stopPolicy: 'none' }), ...long()];

/** The bundled model, and what its engine itself tells beside samples, as it comes: how each job ended. */
async function watchedModel(): Promise<{ model: TokenModel; told: string[] }> {
  const told: string[] = [];
  const exports = addon() as { NativeModel: Addon['NativeModel'] };
  const { NativeModel } = exports;
  exports.NativeModel = class extends NativeModel {
    constructor(options: NativeModelOptions, onEvents: (events: readonly NativeEvent[]) => void) {
      super(options, (events) => {
        told.push(...events.map(({ type }) => type).filter((type) => type !== 'sample'));
        onEvents(events);
      });
    }
  };
  try {
    return { model: await TokenModel.load(bundled, { dtype: 'float32', threads: 2 }), told };
  } finally {
    exports.NativeModel = NativeModel;
  }
}

describe('a running model', () => {
  let model: TokenModel;
  let told: string[];
  beforeEach(async () => {
    ({ model, told } = await watchedModel());
  });
  afterEach(() => model.dispose());

  it('rejects with the reason of the signal, and is free for the next call', async () => {
    const abort = new AbortController();
    const reason = new Error('enough');
    const run = collect(model, long(), { batch: 8, signal: abort.signal });
    setTimeout(() => abort.abort(reason), 20);
    await expect(run).rejects.toBe(reason);
    expect(await collect(model, [group([4095], { maxNewTokens: 3, stopPolicy: 'none' })])).toHaveLength(1);
    expect(told).toEqual(['loaded', 'cancelled', 'done']);
  });

  it('stops at an abort although nobody asks for the next sample', async () => {
    const abort = new AbortController();
    const samples = model.generate(shortThenLong(), { batch: 4, signal: abort.signal });
    expect((await samples.next()).value).toMatchObject({ group: 0 });
    abort.abort(new Error('enough'));
    // The generator stands at that sample all the while.
    await model.activations(Int32Array.of(1, 2), ['hook_embed']);
    expect(told).toEqual(['loaded', 'cancelled', 'activations']);
    await expect(samples.next()).rejects.toThrow('enough');
  });

  it('starts nothing under a signal that is aborted already', async () => {
    const signal = AbortSignal.abort(new Error('before'));
    await expect(model.generate(long(), { signal }).next()).rejects.toThrow('before');
    await expect(model.activations(Int32Array.of(1), ['logits'], { signal })).rejects.toThrow('before');
  });

  it('cancels what is left when the loop is left', async () => {
    for await (const sample of model.generate(shortThenLong(), { batch: 4 })) {
      expect(sample.group).toBe(0);
      break;
    }
    expect((await model.activations(Int32Array.of(1, 2), ['hook_embed'])).get('hook_embed')!.shape).toEqual([2, 256]);
    expect(told).toEqual(['loaded', 'cancelled', 'activations']);
  });

  it('disposes in the middle: the running call rejects, later ones too', async () => {
    const iterator = model.generate(long());
    const first = iterator.next();
    first.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await Promise.all([model.dispose(), model.dispose()]);
    await expect(first).rejects.toMatchObject({ kind: 'usage', message: expect.stringContaining('disposed') as string });
    await expect(model.generate(long()).next()).rejects.toThrow('disposed');
    await expect(model.activations(Int32Array.of(1), ['logits'])).rejects.toThrow('disposed');
  });

  it('leaves the event loop running', async () => {
    const SAMPLES = 512;
    const PASSES = 8; // one for the prompt, then one for each token but the first
    await using slow = await TokenModel.load(bundled, { dtype: 'float32', threads: 1 });
    let turns = 0;
    const timer = setInterval(() => turns++, 5);
    const samples = await collect(
      slow,
      [group([4095, 291, 1079, 7], { sampleIndices: [...Array(SAMPLES).keys()], maxNewTokens: PASSES, stopPolicy: 'none' })],
      { batch: SAMPLES },
    );
    clearInterval(timer);
    expect(samples).toHaveLength(SAMPLES);
    // Were a pass made on this thread, the timer would fire once after it at most, however slow the machine is just now. A pass
    // of this size takes one thread several times the timer's 5 ms: 2.5e9 multiply-adds.
    expect(turns).toBeGreaterThan(PASSES);
  });

  it('runs several calls one after the other', async () => {
    const ask = () => collect(model, [group([4095, 291], { sampleIndices: [0, 1, 2], maxNewTokens: 5, stopPolicy: 'none' })]);
    const [a, b, c] = await Promise.all([ask(), ask(), ask()]);
    expect(b).toEqual(a);
    expect(c).toEqual(a);
  });
});

describe('two models', () => {
  it('run at once without influence on each other', async () => {
    await using one = await TokenModel.load(tiny, { dtype: 'float32', threads: 1 });
    await using two = await TokenModel.load(tiny, { dtype: 'float32', threads: 2 });
    const ask = (model: TokenModel) =>
      collect(model, [group([5, 6, 7], { sampleIndices: [...Array(64).keys()], maxNewTokens: 40, stopPolicy: 'none' })]);
    const [a, b] = await Promise.all([ask(one), ask(two)]);
    expect(a).toEqual(b);
  });
});

describe('a worker', () => {
  const addon = addonPaths().at(0)!;
  const script = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { NativeModel } = require(workerData.addon);
    const options = { folder: workerData.folder, dtype: 'float32', device: 'auto', threads: 2, memoryBytes: 0, vocabulary: null };
    const groups = [{ prompt: Int32Array.of(4095, 291), promptBytes: new Uint8Array(), heal: new Uint8Array(),
      sampleIndices: Uint32Array.from({ length: 64 }, (_, i) => i), key: 1n, sampling: { temperature: 1, topK: 0, topP: 1, minP: 0, typical: 1, eta: 0 },
      maxNewTokens: workerData.tokens, stopPolicy: 'none', stopStrings: [] }];
    const model = new NativeModel(options, (events) => parentPort.postMessage(events.map((event) => event.type)));
    parentPort.postMessage(['loading']);
    model.generate(groups, 0);
  `;
  const start = (tokens: number) => new Worker(script, { eval: true, workerData: { addon, folder: bundled, tokens } });

  const until = (worker: Worker, wanted: string) =>
    new Promise<void>((resolve) => worker.on('message', (types: string[]) => (types.includes(wanted) ? resolve() : undefined)));
  /** Of this process. An engine whose environment is gone and whose thread is not would be two more. */
  const threads = () => Number(/^Threads:\s*(\d+)$/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))![1]);

  it.each([
    ['loads', 'loading'],
    ['generates', 'loaded'], // the job has begun
  ])('can be terminated while it %s, and leaves no thread', async (_, moment) => {
    const terminated = async () => {
      const worker = start(400);
      await until(worker, moment);
      expect(await worker.terminate()).toBe(1);
    };
    // A model of this thread, and a first worker: what Node starts with them stays.
    const ask = async () => {
      await using model = await TokenModel.load(tiny, { dtype: 'float32', threads: 1 });
      expect(await collect(model, [group([1])])).toHaveLength(1);
    };
    await ask();
    await terminated();
    const before = threads();
    for (let i = 0; i < 5; i++) await terminated();
    // Node's own may have gone meanwhile.
    expect(threads()).toBeLessThanOrEqual(before);
    // The process, and models in it, are as before.
    await ask();
    expect(threads()).toBeLessThanOrEqual(before);
  });

  it('ends by itself when its jobs are done: an idle model keeps nothing alive', async () => {
    const worker = start(2);
    const types: string[] = [];
    worker.on('message', (message: string[]) => types.push(...message));
    expect(await new Promise((resolve) => worker.once('exit', resolve))).toBe(0);
    expect(types.slice(0, 2)).toEqual(['loading', 'loaded']);
    expect(types.filter((type) => type === 'sample')).toHaveLength(64);
    expect(types.at(-1)).toBe('done');
  });
});

describe('the addon', () => {
  // In a process of its own: a wait that nothing ends would keep it alive.
  const script = `
    const [addon, folder] = JSON.parse(process.argv[1]);
    const { NativeModel } = require(addon);
    const options = { folder, dtype: 'float32', device: 'cpu', threads: 2, memoryBytes: 1 << 26, vocabulary: null };
    const refused = [];
    const events = [];
    const model = new NativeModel(options, (batch) => {
      for (const { type } of batch) {
        events.push(type);
        if (type === 'loaded') {
          model.stop();
          model.stop();
        }
        // At once, when the thread may be at its end already, and after it.
        for (const call of [() => model.generate([], 0), () => model.check([], 0), () => model.activations(Int32Array.of(1), ['logits'])])
          try { call(); } catch (error) { refused.push(error.fault); }
      }
    });
    process.on('exit', () => { model.stop(); console.log(JSON.stringify({ events, refused })); });
  `;

  it('takes no job after a stop, and a second stop is none', () => {
    const argument = JSON.stringify([addonPaths().at(0)!, tiny]);
    const out = execFileSync(process.execPath, ['-e', script, argument], { encoding: 'utf8', timeout: 60_000 });
    const fault = { kind: 'usage', message: 'the model is disposed', hint: 'Load it again.' };
    expect(JSON.parse(out)).toEqual({ events: ['loaded', 'stopped'], refused: Array.from({ length: 6 }, () => fault) });
  });
});

describe('a model that nobody holds any more', () => {
  /** Of the pool, and the engine's own. */
  const THREADS = 2;
  // In a process of its own, compiled: what a test runner keeps of promises and stacks is not what is looked for.
  const script = `
    import fs from 'node:fs';
    const special = { prompt: (value) => Int32Array.from(value), key: BigInt };
    const [tokenModel, folder, threads, groups] = JSON.parse(process.argv[1], (key, value) => special[key]?.(value) ?? value);
    const { TokenModel } = await import(tokenModel);
    const load = () => TokenModel.load(folder, { dtype: 'float32', device: 'cpu', threads, memoryBytes: 1 << 28 });
    const running = () => Number(/^Threads:[^0-9]*([0-9]+)/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]);
    async function collect(wanted) {
      for (let turn = 0; turn < 1000 && running() > wanted; turn++) {
        globalThis.gc();
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    const abort = new AbortController();
    const ways = {
      idle: async () => void (await load()),
      'at a sample': async () => void (await (await load()).generate(groups, { batch: 4 }).next()),
      'at a sample, its signal living on': async () =>
        void (await (await load()).generate(groups, { batch: 4, signal: abort.signal }).next()),
    };
    // What Node starts with a first model stays.
    await (await load()).dispose();
    const before = running();
    const found = [];
    for (const [way, forget] of Object.entries(ways)) {
      await forget();
      const meanwhile = running() - before;
      await collect(before);
      found.push([way, meanwhile, running() - before]);
    }
    abort.abort();
    const model = await load();
    for await (const sample of model.generate(groups.slice(0, 1))) found.push(sample.tokens.length);
    await model.dispose();
    console.log(JSON.stringify(found));
    // A run that is not forgotten would go on. Else the process ends by itself: where it is cut off, V8 leaves memory that a leak's search finds.
    if (running() > before) process.exit();
  `;

  it('goes with its threads, also in the middle of a run', () => {
    build();
    const plain = (_: string, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value instanceof Int32Array ? [...value] : value;
    const argument = JSON.stringify([path.join(root, 'dist/engine/token-model.js'), bundled, THREADS, shortThenLong()], plain);
    const out = execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', script, argument], { encoding: 'utf8' });
    expect(JSON.parse(out)).toEqual([
      ['idle', THREADS, 0],
      ['at a sample', THREADS, 0],
      ['at a sample, its signal living on', THREADS, 0],
      2,
    ]);
  });
});

describe('a model that is collected in the middle of a pass', () => {
  const ROUNDS = 3;
  const SAMPLES = 512;
  // In a process of its own, whose only threads that come and go are engines.
  const script = `
    const fs = require('node:fs');
    const [addon, folder, rounds, samples] = JSON.parse(process.argv[1]);
    const { NativeModel } = require(addon);
    const options = { folder, dtype: 'float32', device: 'cpu', threads: 1, memoryBytes: 1 << 30, vocabulary: null };
    const group = (samples, maxNewTokens) => ({ prompt: Int32Array.of(4095, 291), promptBytes: new Uint8Array(), heal: new Uint8Array(),
      sampleIndices: Uint32Array.from({ length: samples }, (_, i) => i), key: 1n, sampling: { temperature: 1, topK: 0, topP: 1, minP: 0, typical: 1, eta: 0 },
      maxNewTokens, stopPolicy: 'none', stopStrings: [] });
    const running = () => Number(/^Threads:[^0-9]*([0-9]+)/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]);
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const start = (wanted, then) => new NativeModel(options, (events) => { if (events.some(({ type }) => type === wanted)) then(); });
    /** Forgotten when its first sample has come, so that the next pass has begun. */
    async function forgotten() {
      let seen;
      const sampled = new Promise((resolve) => { seen = resolve; });
      const model = start('sample', seen);
      model.generate([group(1, 2), group(samples, 40)], samples);
      await sampled;
      return new WeakRef(model);
    }
    (async () => {
      // What Node starts with a first model stays.
      await new Promise((resolve) => { const first = start('stopped', resolve); first.stop(); });
      const before = running();
      const found = [];
      const collected = async () => {
        const model = await forgotten();
        do { await turn(); globalThis.gc(); } while (model.deref() !== undefined);
      };
      for (let round = 0; round < rounds; round++) {
        await collected();
        let turns = 0;
        for (; running() > before && turns < 1e6; turns++) await turn();
        found.push(turns);
      }
      console.log(JSON.stringify([running() - before, found]));
      // And where the process ends meanwhile.
      await collected();
      await turn();
      process.exit();
    })();
  `;

  it('lets the event loop go on, and its thread ends', () => {
    const argument = JSON.stringify([addonPaths().at(0)!, bundled, ROUNDS, SAMPLES]);
    // process.exit() leaves V8's heap to the system, which a sanitizer would take for leaks.
    const env = { ...process.env, ASAN_OPTIONS: 'detect_leaks=0' };
    const out = execFileSync(process.execPath, ['--expose-gc', '-e', script, argument], { encoding: 'utf8', timeout: 60_000, env });
    const [left, turns] = JSON.parse(out) as [number, number[]];
    expect(left).toBe(0);
    expect(turns).toHaveLength(ROUNDS);
    // Were the pass waited for on this thread, there would be a turn or two, however slow the machine: one collects, the next finds no
    // thread. A pass may happen to end just then, not three times in a row: a turn takes some 50 microseconds, a pass of this size
    // hundreds of times that.
    expect(Math.max(...turns)).toBeGreaterThan(10);
  });
});

describe('a thousand models', () => {
  const CYCLES = 1000;
  /** What a leaked thread keeps at the very least: the touched page of its stack and the one of its locals. A leaked model is 83 pages. */
  const LEAST_LEAK_BYTES = 2 * 4096;
  // In a process of its own, compiled: a test runner's heap moves by more than what is looked for.
  const script = `
    import fs from 'node:fs';
    const [tokenModel, folder, cycles, sampling] = JSON.parse(process.argv[1]);
    const { TokenModel } = await import(tokenModel);
    const group = (sampleIndices, maxNewTokens) => ({ prompt: Int32Array.of(1, 2), sampleIndices, key: 7n, maxNewTokens,
      sampling, stopPolicy: 'none' });
    function state() {
      globalThis.gc();
      const status = fs.readFileSync('/proc/self/status', 'utf8');
      const field = (name) => Number(new RegExp('^' + name + ':[^0-9]*([0-9]+)', 'm').exec(status)[1]);
      return { anonymousBytes: field('RssAnon') * 1024, threads: field('Threads'), files: fs.readdirSync('/proc/self/fd').length };
    }
    /** Made, used every other time, and disposed, every third time in the middle of its work. */
    async function run() {
      for (let i = 0; i < cycles; i++) {
        const model = await TokenModel.load(folder, { dtype: 'float32', device: 'cpu', threads: 2, memoryBytes: 1 << 26 });
        if (i % 2 === 0) for await (const sample of model.generate([group([0, 1], 4)])) if (sample.error !== null) throw new Error(sample.error);
        if (i % 3 === 0) model.generate([group([...Array(32).keys()], 60)]).next().catch(() => undefined);
        await model.dispose();
      }
    }
    // As many before measuring: allocator and JavaScript heap take their size then.
    await run();
    const before = state();
    await run();
    console.log(JSON.stringify([before, state()]));
  `;

  it('leave no memory, thread or file behind', () => {
    build();
    const argument = JSON.stringify([path.join(root, 'dist/engine/token-model.js'), tiny, CYCLES, PLAIN_SAMPLING]);
    const out = execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', script, argument], { encoding: 'utf8' });
    const [before, after] = JSON.parse(out) as { anonymousBytes: number; threads: number; files: number }[];
    expect({ threads: after!.threads, files: after!.files }).toEqual({ threads: before!.threads, files: before!.files });
    // AddressSanitizer keeps what is freed for a while, and names what is not at the process's end, which then fails.
    if (process.env['ASAN_OPTIONS'] === undefined)
      expect(after!.anonymousBytes - before!.anonymousBytes).toBeLessThan(CYCLES * LEAST_LEAK_BYTES);
  });
});
