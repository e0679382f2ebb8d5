/** kill -9 at any moment loses nothing that a second run does not make again, byte for byte. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FaultlineError } from '../../../src/errors.js';
import { Store } from '../../../src/store/store.js';
import { transpileStore } from './child.js';
import { runToEnd } from './store-run.js';

let folder: string;
let code: string;
let expected: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'faultline-kill-'));
  code = transpileStore();
  // After each batch the child says so, and waits for leave to go on: so a kill can be aimed at any batch.
  writeFileSync(
    path.join(code, 'main.js'),
    `import { readSync, writeSync } from 'node:fs';
import { runToEnd } from './tests/integration/store/store-run.js';
const leave = Buffer.alloc(1);
writeSync(1, runToEnd(process.argv[2], 0.9, () => { writeSync(1, '.'); readSync(0, leave, 0, 1, null); }));
`,
  );
  expected = runToEnd(path.join(folder, 'whole.db'), 0.1);
});

afterAll(() => {
  for (const each of [folder, code]) rmSync(each, { recursive: true, force: true });
});

interface Child {
  readonly process: ChildProcess;
  /** Resolves when the child has finished this many batches and waits. */
  batches(count: number): Promise<void>;
  goOn(): void;
  kill(): Promise<void>;
}

function start(file: string): Child {
  const child = spawn(process.execPath, [path.join(code, 'main.js'), file], { stdio: ['pipe', 'pipe', 'inherit'] });
  let seen = 0;
  let wake: () => void = () => undefined;
  child.stdout.on('data', (bytes: Buffer) => {
    seen += bytes.length;
    wake();
  });
  const exited = once(child, 'exit');
  void exited.then(() => {
    wake();
  });
  // A killed child's pipe may break under a last write.
  child.stdin.on('error', () => undefined);
  return {
    process: child,
    goOn: () => {
      child.stdin.write('g');
    },
    batches: async (count) => {
      while (seen < count) {
        if (child.exitCode !== null || child.signalCode !== null) throw new Error('the child ended early');
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

describe('a run that is killed again and again', () => {
  // Batch to kill in, and how long into it: from before its first write to about its last.
  const KILLS = [
    [1, 0],
    [2, 1],
    [3, 3],
    [2, 7],
    [3, 2],
    [1, 12],
  ] as const;

  it('ends with the digest of one that was not', async () => {
    const file = path.join(folder, 'killed.db');
    for (const [batch, delay] of KILLS) {
      const child = start(file);
      for (let done = 1; done <= batch; done++) {
        await child.batches(done);
        child.goOn();
      }
      await sleep(delay);
      await child.kill();
    }
    const between = Store.open(file, { readonly: true });
    const [experiment] = between.experiments();
    expect(experiment!.finishedAt).toBeNull();
    const { samples, executed } = between.counts(experiment!.id);
    between.close();
    expect(samples).toBeGreaterThan(0);
    expect(samples).toBeLessThan(96);
    expect(executed).toBeGreaterThan(0);
    expect(runToEnd(file, 0.3)).toBe(expected);
    // Nothing that a kill left is there any more; and running again changes nothing.
    const shards = readdirSync(`${file}.shards`);
    expect(shards.filter((name) => name.endsWith('.partial'))).toEqual([]);
    expect(runToEnd(file, 0.4)).toBe(expected);
    expect(readdirSync(`${file}.shards`)).toEqual(shards);
  });
});

describe('a run in progress', () => {
  it('keeps a second one out, lets readers in, and leaves no lock when it is killed', async () => {
    const file = path.join(folder, 'busy.db');
    const child = start(file);
    try {
      await child.batches(1);
      child.goOn();
      await child.batches(2);
      const refused = (() => {
        try {
          Store.open(file).close();
        } catch (thrown) {
          return thrown;
        }
        return null;
      })();
      expect(refused).toBeInstanceOf(FaultlineError);
      expect(refused).toMatchObject({ kind: 'output', message: `${file}: another run is writing this database` });
      expect((refused as FaultlineError).hint).toContain('run the same command again');
      const reader = Store.open(file, { readonly: true });
      expect(reader.counts(reader.experiments()[0]!.id)).toMatchObject({ samples: 7, executed: 5 });
      reader.close();
    } finally {
      await child.kill();
    }
    Store.open(file).close();
  });

  it('ends with the same digest in another process', async () => {
    const file = path.join(folder, 'paced.db');
    const child = start(file);
    child.process.stdin!.write('g'.repeat(1_000));
    const [status] = (await once(child.process, 'exit')) as [number];
    expect(status).toBe(0);
    const store = Store.open(file, { readonly: true });
    expect(store.resultDigest(store.experiments()[0]!.id)).toBe(expected);
    store.close();
  });
});
