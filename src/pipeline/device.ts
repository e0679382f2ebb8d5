/** Where a config's model runs: what the engine is asked for, and how the answer is told and compared. Loads nothing. */
import type { ConfigValues } from '../config/schema.js';
import type { EngineInfo, EngineOptions } from '../engine/types.js';
import type { Progress } from './progress.js';

/** The part that an engine's description and an experiment's row have in common. */
interface Device {
  readonly device: string;
  readonly deviceName: string;
  readonly kernelFamily: string;
  readonly isa: string;
}

/** The entries of `model` that the engine takes. */
export function engineOptionsOf(values: ConfigValues): EngineOptions {
  const threads = values['model.threads'];
  const memoryBytes = values['model.memory'];
  return {
    dtype: values['model.dtype'],
    device: values['model.device'],
    ...(threads === null ? {} : { threads }),
    ...(memoryBytes === null ? {} : { memoryBytes }),
  };
}

/**
 * Says which device `auto` came to, and why. Whoever named a device got that one: there is nothing to say.
 * Called when work begins or is done: before, what is wrong with a request is all that should be read.
 */
export function noteDevice(values: ConfigValues, info: EngineInfo, progress: Progress): void {
  if (values['model.device'] !== 'auto') return;
  progress.note(`device: ${info.device === 'cpu' ? 'cpu' : `${info.device}, ${info.deviceName}`} (${info.deviceReason})`);
}

/**
 * The kernels whose results may stand side by side, as text to compare and to show; null for float32, which is the same under
 * all of them. On CPUs bfloat16 is the same within a family, and int8 has one, whose number tells versions apart. On a GPU the
 * order of a tensor core's sums is its architecture's, and the emulator has its own.
 */
export function kernelsOf({ dtype, device, kernelFamily, isa }: Omit<Device, 'deviceName'> & { readonly dtype: string }): string | null {
  if (dtype === 'float32') return null;
  if (!kernelFamily.startsWith('mma')) return kernelFamily;
  return `${kernelFamily} on ${isa}${device === 'emulated' ? ', emulated' : ''}`;
}

/** What computes, in one line of the run log. */
export function describeDevice(device: Device): string {
  return `${deviceAndFamily(device)}${device.isa})`;
}

/**
 * The beginning of that line, in which devices differ. Of one family all instruction sets compute the same, and an engine may use another one of
 * the same CPU than an older one did.
 */
export function deviceAndFamily({ device, deviceName, kernelFamily }: Omit<Device, 'isa'>): string {
  return `${device}, ${deviceName} (${kernelFamily} on `;
}
