/** Who made results: the machine that stores them, by the engine's name for its processor, beside what an older version did not record. */
import { mkdtempSync, rmSync } from 'node:fs';
import os, { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { machineRecorder, thisMachine } from '../../../src/pipeline/machine.js';
import { IMPORTED } from '../../../src/store/imported.js';
import { Store } from '../../../src/store/store.js';
import type { ExperimentManifest } from '../../../src/store/types.js';
import { execution, manifest, problems, sample } from '../store/rows.js';

let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'faultline-machine-'));
  store = Store.open(path.join(folder, 'faultline.db'));
});
afterEach(() => {
  vi.restoreAllMocks();
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** An experiment with two samples, and one verdict, as a version before `machines` leaves it. */
function begun(fields: Partial<ExperimentManifest> = {}): number {
  const { id } = store.beginExperiment(manifest({ cpu: 'an older CPU', ...fields }));
  const [problem] = problems(1);
  store.addProblems(id, [problem!]);
  store.addSamples(id, [0, 1].map((index) => sample(problem!, index))); // prettier-ignore
  store.addExecutions(id, [execution(problem!, 0)]);
  return id;
}

const unrecorded = { cpu: '', cores: 0, memoryBytes: 0, system: '' };

describe('an experiment that goes on', () => {
  it('after an older version has what that made in front, once: of samples the processor is known, of verdicts nothing', () => {
    const id = begun();
    for (let resumed = 0; resumed < 2; resumed++) {
      for (const work of ['draw', 'execute'] as const) machineRecorder(store, id, work)();
    }
    expect(store.machines(id, 'draw')).toEqual([{ ...unrecorded, cpu: 'an older CPU' }, thisMachine()]);
    expect(store.machines(id, 'execute')).toEqual([unrecorded, thisMachine()]);
  });

  it('with samples of a file has the processor where judging began', () => {
    const id = begun({ device: IMPORTED, tokenizerHash: IMPORTED });
    machineRecorder(store, id, 'execute')();
    expect(store.machines(id, 'execute')).toEqual([{ ...unrecorded, cpu: 'an older CPU' }, thisMachine()]);
  });

  it('with a half that has no results yet has nobody in front', () => {
    const { id } = store.beginExperiment(manifest());
    const [problem] = problems(1);
    store.addProblems(id, [problem!]);
    const record = machineRecorder(store, id, 'draw');
    record();
    store.addSamples(id, [sample(problem!, 0)]);
    record();
    machineRecorder(store, id, 'draw')();
    machineRecorder(store, id, 'execute')();
    expect(store.machines(id, 'draw')).toEqual([thisMachine()]);
    expect(store.machines(id, 'execute')).toEqual([thisMachine()]);
  });
});

describe('the processor', () => {
  const system = (model: string): void => {
    const [core] = os.cpus();
    vi.spyOn(os, 'cpus').mockReturnValue([{ ...core!, model }]);
  };

  it('has the name that the engine has for it, as the system would write it', () => {
    system('unknown');
    const { id } = store.beginExperiment(manifest());
    machineRecorder(store, id, 'draw', 'Arm Neoverse-N1')();
    expect(store.machines(id, 'draw').map(({ cpu }) => cpu)).toEqual(['Arm Neoverse-N1']);
    expect(thisMachine('  Some(R) CPU     E5 ').cpu).toBe('Some(R) CPU E5');
  });

  it("has the system's without an engine, and none where that knows none", () => {
    system('Some(R) CPU E5');
    expect(thisMachine().cpu).toBe('Some(R) CPU E5');
    system('unknown');
    expect(thisMachine().cpu).toBe('');
    vi.spyOn(os, 'cpus').mockReturnValue([]);
    expect(thisMachine().cpu).toBe('');
  });
});
