/** What the engine found on this machine, for `faultline doctor`. Loads no model. */
import { addon } from './addon.js';
import type { NativeEngineReport } from './addon-types.js';
import { fromThrown } from './native-error.js';

export type EngineReport = NativeEngineReport;

/**
 * CPU, the instruction set picked, every candidate with the reason why it was refused, and the kernel behind each op.
 * Throws an `environment` FaultlineError when the addon cannot be loaded or FAULTLINE_FORCE_ISA cannot be met, a
 * `usage` one when that names no instruction set.
 */
export function engineReport(): EngineReport {
  const native = addon();
  try {
    return native.engineReport();
  } catch (error) {
    throw fromThrown(error);
  }
}
