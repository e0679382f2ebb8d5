/** The machine that this process runs on, as a methods section names it. Knows no device: a GPU is named in the experiment's row. */
import os from 'node:os';
import { isImported } from '../store/imported.js';
import type { Store } from '../store/store.js';
import type { Experiment, Machine, MachineWork } from '../store/types.js';

/**
 * Of memory and cores what this process may use, which in a container is less than what is there. `engineCpu` is the processor as the engine
 * names it, where that is loaded: on ARM64 the system has no name for it.
 */
export function thisMachine(engineCpu?: string): Machine {
  // 0, or more than there is, where no control group has a limit.
  const limit = process.constrainedMemory();
  const total = os.totalmem();
  return {
    cpu: processorName(engineCpu) || processorName(os.cpus()[0]?.model),
    cores: os.availableParallelism(),
    memoryBytes: limit > 0 ? Math.min(limit, total) : total,
    system: `${os.type()} ${os.release()} ${os.arch()}`,
  };
}

/** Empty where it says nothing. Linux makes runs of spaces one, the processor itself does not: the same one must have one name. */
function processorName(told = ''): string {
  const name = told.replace(/\s+/g, ' ').trim();
  return name === 'unknown' ? '' : name;
}

/**
 * To be called before results are stored: the first call records that this machine made them, after what stands for an older version's
 * machines. A run that stores nothing took no part. `engineCpu` as for {@link thisMachine}.
 */
export function machineRecorder(store: Store, experimentId: number, work: MachineWork, engineCpu?: string): () => void {
  let isRecorded = false;
  return () => {
    if (isRecorded) return;
    const experiment = store.experiments().find(({ id }) => id === experimentId)!;
    const earlier = unrecordedMachine(store, experiment, work);
    if (earlier !== null) store.recordMachine(experimentId, work, earlier);
    store.recordMachine(experimentId, work, thisMachine(engineCpu));
    isRecorded = true;
  };
}

/**
 * Stands for the machines of results that an older version stored, of which at most a processor is known: samples began on the experiment's,
 * and so did verdicts on imported ones. Null where there are no such results.
 */
export function unrecordedMachine(store: Store, experiment: Experiment, work: MachineWork): Machine | null {
  const imported = isImported(experiment);
  // Nobody here drew those.
  if (imported && work === 'draw') return null;
  // Results first: whoever stores some beside this process has recorded its machine before.
  const { samples, executed, infra } = store.counts(experiment.id);
  const results = work === 'draw' ? samples : executed + infra;
  if (results === 0 || store.machines(experiment.id, work).length > 0) return null;
  return { cpu: work === 'draw' || imported ? processorName(experiment.cpu) : '', cores: 0, memoryBytes: 0, system: '' };
}
