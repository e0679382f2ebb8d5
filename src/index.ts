/** The library: re-exports only. Everything else is reached through the command line or is not stable. */
export { Model, type GenerateOptions, type LoadOptions, type PromptSource, type Sample } from './decoding/model.js';
export { PROMPT_BOUNDARIES, type PromptBoundary } from './decoding/prompt-boundary.js';
export { loadProblems, type LoadProblemsOptions } from './datasets/problems.js';
export type { Problem, ProblemSet } from './datasets/problem.js';
export { TokenModel } from './engine/token-model.js';
export type {
  ActivationArray,
  DeviceChoice,
  DType,
  EngineInfo,
  EngineOptions,
  FinishReason,
  GroupRequest,
  HookPoint,
  RunPlan,
  SampleTokens,
  SamplingParameters,
  StopPolicy,
} from './engine/types.js';
export { ExitCode, FaultlineError, type ErrorKind, type Place } from './errors.js';
export type { Tokenizer } from './tokenizer/types.js';
