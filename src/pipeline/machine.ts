/** The machine that this process runs on, as a methods section names it. Knows no device: a GPU is named in the experiment's row. */
import os from 'node:os';
import type { Store } from '../store/store.js';
import type { Machine, MachineWork } from '../store/types.js';

/** Of memory and cores what this process may use, which in a container is less than what is there. */
export function thisMachine(): Machine {
  // 0, or more than there is, where no control group has a limit.
  const limit = process.constrainedMemory();
  const total = os.totalmem();
  return {
    cpu: os.cpus()[0]?.model.trim() ?? '',
    cores: os.availableParallelism(),
    memoryBytes: limit > 0 ? Math.min(limit, total) : total,
    system: `${os.type()} ${os.release()} ${os.arch()}`,
  };
}

/** To be called before results are stored: the first call records that this machine made them. A run that stores nothing took no part. */
export function machineRecorder(store: Store, experimentId: number, work: MachineWork): () => void {
  let isRecorded = false;
  return () => {
    if (isRecorded) return;
    store.recordMachine(experimentId, work, thisMachine());
    isRecorded = true;
  };
}
