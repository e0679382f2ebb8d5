/** Machines in the store: once each, by what they did and in that order, and no results. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { thisMachine } from '../../../src/pipeline/machine.js';
import { Store } from '../../../src/store/store.js';
import type { Machine } from '../../../src/store/types.js';
import { manifest } from './rows.js';

let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'faultline-machines-'));
  store = Store.open(path.join(folder, 'faultline.db'));
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const LARGE: Machine = { cpu: 'a CPU', cores: 64, memoryBytes: 2 ** 40, system: 'Linux 6.1.0 x64' };
const SMALL: Machine = { ...LARGE, cores: 2 };

it('are kept once each, in the order in which they took part, apart by what they did and for whom', () => {
  const { id } = store.beginExperiment(manifest());
  const other = store.beginExperiment(manifest({ name: 'other' })).id;
  const before = store.resultDigest(id);
  for (const machine of [SMALL, LARGE, SMALL]) store.recordMachine(id, 'execute', machine);
  store.recordMachine(id, 'draw', LARGE);
  expect(store.machines(id, 'execute')).toEqual([SMALL, LARGE]);
  expect(store.machines(id, 'draw')).toEqual([LARGE]);
  expect(store.machines(other, 'execute')).toEqual([]);
  expect(store.resultDigest(id)).toBe(before);
});

it('hold the one that this runs on', () => {
  const { id } = store.beginExperiment(manifest());
  const here = thisMachine();
  store.recordMachine(id, 'draw', here);
  expect(store.machines(id, 'draw')).toEqual([here]);
  expect(here.cores).toBeGreaterThanOrEqual(1);
  expect(here.memoryBytes).toBeGreaterThan(2 ** 26);
  expect(here.system).toMatch(new RegExp(`^\\w+ \\S+ ${process.arch}$`));
});
