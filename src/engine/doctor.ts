/** What the engine found on this machine, for `faultline doctor`. Loads no model. */
import { addon } from './addon.js';
import type { NativeDeviceReport, NativeEngineReport } from './addon-types.js';

export type EngineReport = NativeEngineReport;

/** A device as people write its numbers. */
export interface DeviceRow {
  readonly name: string;
  /** Such as `9.0`. */
  readonly computeCapability: string;
  readonly multiprocessors: number;
  readonly memoryBytes: number;
}

/** The CUDA backend: whether it can be used, with what, or why not. */
export interface DeviceReport {
  readonly usable: boolean;
  /** Path of the backend's library, loaded or looked for. */
  readonly library: string;
  /** What the library calls itself; null where none was loaded. */
  readonly backend: string | null;
  /** Newest CUDA that the driver serves, such as `13.0`; null without driver, device or library. */
  readonly driver: string | null;
  /** The CUDA that the library was built with. */
  readonly runtime: string | null;
  readonly devices: readonly DeviceRow[];
  readonly kernels: NativeDeviceReport['kernels'];
  /** Why it cannot be used, a sentence without a full stop; null where it can. */
  readonly refused: string | null;
  /** What to do then; null where there is nothing to say. */
  readonly hint: string | null;
}

/**
 * CPU, the instruction set picked, every candidate with the reason why it was refused, and the kernel behind each op. Where
 * FAULTLINE_FORCE_ISA cannot be met, `fault` says why, of kind `usage` when that names no instruction set, and the rest is what would be
 * picked without it. Throws an `environment` FaultlineError when the addon cannot be loaded, and nothing else.
 */
export function engineReport(): EngineReport {
  return addon().engineReport();
}

/** What there is beside the CPU. Throws an `environment` FaultlineError when the addon cannot be loaded, and nothing else. */
export function deviceReport(): DeviceReport {
  const { devices, ...rest } = addon().deviceReport();
  return {
    ...rest,
    driver: cudaVersion(devices[0]?.driver),
    runtime: cudaVersion(devices[0]?.runtime),
    devices: devices.map(({ name, major, minor, multiprocessors, memoryBytes }) => ({
      name,
      computeCapability: `${major}.${minor}`,
      multiprocessors,
      memoryBytes,
    })),
  };
}

/** CUDA writes 13.1 as 13010. */
function cudaVersion(number = 0): string | null {
  return number === 0 ? null : `${Math.floor(number / 1000)}.${Math.floor((number % 1000) / 10)}`;
}
