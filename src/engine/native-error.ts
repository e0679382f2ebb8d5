/** Turns what the addon reports or throws into the errors that users see. Knows no particular call. */
import { FaultlineError, reasonOf } from '../errors.js';
import type { NativeFault } from './addon-types.js';

/** The same error on this side, with a JavaScript stack. */
export function fromFault(fault: NativeFault): FaultlineError {
  return new FaultlineError(fault.kind, fault.message, fault.hint === null ? {} : { hint: fault.hint });
}

/** What a call into the addon threw: an Error that carries a `fault`, or a complaint about its arguments, which is ours. */
export function fromThrown(thrown: unknown): FaultlineError {
  if (thrown instanceof FaultlineError) return thrown;
  const fault = (thrown as { fault?: NativeFault } | null)?.fault;
  return fault === undefined ? new FaultlineError('internal', `engine: ${reasonOf(thrown)}`, { cause: thrown }) : fromFault(fault);
}
