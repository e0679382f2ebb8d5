/** Turns what the addon reports or throws into the errors that users see. Knows no particular call. */
import { FaultlineError, reasonOf } from '../errors.js';
import type { NativeFault } from './addon-types.js';

/** The next step where the addon, which reads only model folders, gives none. */
const DAMAGED = 'Fetch or copy the file again from where the model came from; faultline reads GPT-2 models as Hugging Face writes them.';

/** The same error on this side, with a JavaScript stack. */
export function fromFault(fault: NativeFault): FaultlineError {
  const hint = fault.hint ?? (fault.kind === 'input' ? DAMAGED : null);
  return new FaultlineError(fault.kind, fault.message, hint === null ? {} : { hint });
}

/** What a call into the addon threw: an Error that carries a `fault`, or a complaint about its arguments, which is ours. */
export function fromThrown(thrown: unknown): FaultlineError {
  if (thrown instanceof FaultlineError) return thrown;
  const fault = (thrown as { fault?: NativeFault } | null)?.fault;
  return fault === undefined ? new FaultlineError('internal', `engine: ${reasonOf(thrown)}`, { cause: thrown }) : fromFault(fault);
}
