/** One stored sample with everything that is known about it: program, verdict, decision, tokens. Reads the database, and changes nothing. */
import type { ConfigValues } from '../config/schema.js';
import { locateModel } from '../datasets/models.js';
import { FaultlineError } from '../errors.js';
import { Store } from '../store/store.js';
import type { Experiment, JudgedSample } from '../store/types.js';
import { loadTokenizer } from '../tokenizer/bpe.js';
import { databasePath } from './inputs.js';
import { chooseExperiment } from './report.js';

export interface ShownToken {
  readonly token: number;
  /** What it spells, with U+FFFD for parts of characters; null where the tokenizer is not here. */
  readonly text: string | null;
  /** Of the unmodified distribution, in nats. */
  readonly logprob: number;
  /** Of the distribution it was drawn from, unmodified, in nats. */
  readonly entropy: number;
}

export interface ShownSample {
  readonly experiment: Experiment;
  readonly sample: JudgedSample;
  readonly tokens: readonly ShownToken[];
  /** Why the tokens have no text; null where they have. */
  readonly withoutText: string | null;
}

/** Which samples there are to show. */
export interface SampleChoice {
  readonly taskId: string;
  /** Null for all of the task. */
  readonly sampleIndex: number | null;
  /** Null where the experiment has one strategy only. */
  readonly strategy: string | null;
  /** The newest experiment without a name. */
  readonly experiment: string | undefined;
}

/** The judged samples of a task, by strategy and index. Throws `input`, with what there is, where there are none. */
export function listSamples(values: ConfigValues, choice: SampleChoice): { experiment: Experiment; samples: readonly JudgedSample[] } {
  using store = Store.open(databasePath(values), { readonly: true });
  const experiment = chooseExperiment(store, choice.experiment);
  return { experiment, samples: samplesOf(store, experiment, choice) };
}

/** One sample. Throws `input` where it is not there or has no verdict yet, `usage` where several strategies have one. */
export async function showSample(values: ConfigValues, choice: SampleChoice & { readonly sampleIndex: number }): Promise<ShownSample> {
  using store = Store.open(databasePath(values), { readonly: true });
  const experiment = chooseExperiment(store, choice.experiment);
  const found = samplesOf(store, experiment, choice);
  const [sample] = found;
  if (sample === undefined) {
    const indices = samplesOf(store, experiment, { ...choice, sampleIndex: null }).map(({ sampleIndex }) => sampleIndex);
    throw new FaultlineError('input', `${choice.taskId} has no judged sample ${choice.sampleIndex} in ${experiment.name}`, {
      place: { file: store.file },
      hint: `There are ${indices[0]} to ${indices.at(-1)}; see them with \`faultline show ${choice.taskId}\`.`,
    });
  }
  if (found.length > 1) {
    throw new FaultlineError('usage', `${found.length} strategies have this sample`, {
      hint: `Add --strategy: ${found.map(({ strategy }) => strategy).join(', ')}.`,
    });
  }
  const arrays = store.tokens(experiment.id, sample);
  const spelled = await spelling(experiment, values['model.path']);
  return {
    experiment,
    sample,
    tokens: Array.from(arrays.tokens, (token, index) => ({
      token,
      text: typeof spelled === 'string' ? null : spelled(token),
      logprob: arrays.logprobs[index]!,
      entropy: arrays.entropies[index]!,
    })),
    withoutText: typeof spelled === 'string' ? spelled : null,
  };
}

function samplesOf(store: Store, experiment: Experiment, { taskId, sampleIndex, strategy }: SampleChoice): JudgedSample[] {
  const known = store.problems(experiment.id).map((problem) => problem.taskId);
  if (!known.includes(taskId)) {
    throw new FaultlineError('input', `${experiment.name} has no task ${taskId}`, {
      place: { file: store.file },
      hint: `There are ${known.length}, from ${known[0]} to ${known.at(-1)}.`,
    });
  }
  const all = [...store.judgedSamples(experiment.id, { taskId, ...(strategy === null ? {} : { strategy }) })];
  if (all.length === 0) {
    throw new FaultlineError(
      'input',
      `${taskId} has no judged samples${strategy === null ? '' : ` of strategy ${strategy}`} in ${experiment.name}`,
      {
        place: { file: store.file },
        hint: `Run the experiment to its end first${strategy === null ? '' : ', or leave --strategy out'}.`,
      },
    );
  }
  return sampleIndex === null ? all : all.filter((each) => each.sampleIndex === sampleIndex);
}

/** How a token reads, by the tokenizer of the model at `place`; or why that cannot be said. */
async function spelling(experiment: Experiment, place: string): Promise<((token: number) => string) | string> {
  try {
    const tokenizer = await loadTokenizer(locateModel(place));
    if (tokenizer.hash !== experiment.tokenizerHash)
      return `${place} has another tokenizer than the experiment had; name its model with --model`;
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    return (token) => decoder.decode(tokenizer.tokenBytes(token));
  } catch (thrown) {
    if (!(thrown instanceof FaultlineError)) throw thrown;
    return `no tokenizer at ${place}: ${thrown.message}`;
  }
}
