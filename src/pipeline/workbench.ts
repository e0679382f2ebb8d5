/**
 * What the stages of one run share: config, database, experiment, and the heavy things that each is opened once for all of them, when
 * a stage first asks: problems, model, tokenizer, sandbox. Does no stage's work. Dispose it when done.
 */
import { existsSync } from 'node:fs';
import { canonicalResults, type Config } from '../config/load.js';
import type { ConfigValues } from '../config/schema.js';
import { heldBy, type Shard } from '../config/shard.js';
import type { ProblemSet } from '../datasets/problem.js';
import type { Model } from '../decoding/model.js';
import { FaultlineError } from '../errors.js';
import type { ReportData } from '../reports/report-data.js';
import type { ProcessExecutor } from '../sandbox/process-executor.js';
import { Store } from '../store/store.js';
import type { Experiment, ExperimentManifest, PendingExecution, SampleKey } from '../store/types.js';
import { CATEGORIES } from '../taxonomy/categories.js';
import { tokenSpan } from '../taxonomy/token-span.js';
import { loadTokenizer } from '../tokenizer/bpe.js';
import type { Tokenizer } from '../tokenizer/types.js';
import type { Ahead } from './ahead.js';
import { version } from './bundled.js';
import { createCategoryView, type CategoryView } from './category-view.js';
import type { TokensOf } from './execute.js';
import { createManifest, experimentName, sandboxKnown } from './experiment.js';
import { loadModel, samplesOf, type GenerationTask } from './generate.js';
import { databasePath, modelFolderOf, problemsOf } from './inputs.js';
import type { Progress } from './progress.js';
import { openSandbox } from './sandbox.js';
import type { StageRow } from './stages/stage.js';
import { WorkQueue } from './work-queue.js';
import { extentOf } from './work-shards.js';

export interface WorkbenchOptions {
  readonly rows: readonly StageRow[];
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /**
   * Of an estimate alone: nothing is made, and the database is only read, whatever the stages do. Where `database` is given, that is an empty one
   * that stands in for one that does not exist yet.
   */
  readonly estimating?: { readonly database: string | null };
  /** Gives a model that outlives the bench, as one for several experiments does; without it the config's is loaded, and freed with the bench. */
  readonly sharedModel?: (() => Promise<Model>) | undefined;
}

export class Workbench implements AsyncDisposable {
  readonly config: Config;
  readonly values: ConfigValues;
  readonly view: CategoryView;
  readonly rows: readonly StageRow[];
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly database: string;
  /** Whether the run ends with its estimate. */
  readonly isEstimate: boolean;
  /** What `generate` is to draw. */
  tasks: readonly GenerationTask[] = [];
  /** The parts of the work that a run which generates is about. */
  shards: readonly Shard[] = [];
  /** As stored; null while there is none. */
  experiment: Experiment | null = null;
  executor: ProcessExecutor | null = null;
  /** Where the report goes, once that is known. */
  directory: string | null = null;
  report: ReportData | null = null;
  files: readonly string[] = [];
  /** Samples on their way to the sandbox. Closed when no more will be stored. */
  readonly stored: WorkQueue<PendingExecution>;

  readonly #readonly: boolean;
  readonly #sharedModel: (() => Promise<Model>) | null;
  #store: Store | null = null;
  #problems: ProblemSet | null = null;
  #model: Model | null = null;
  #tokenizer: Tokenizer | null = null;
  /** Of a run that generates: the experiment as it would be begun here, before the sandbox is known. */
  #planned: ExperimentManifest | null = null;

  constructor(config: Config, { rows, signal, progress, estimating, sharedModel }: WorkbenchOptions) {
    this.config = config;
    this.values = config.values;
    this.view = createCategoryView(config.values, CATEGORIES, config.origins);
    this.rows = rows;
    this.signal = signal;
    this.progress = progress;
    this.isEstimate = estimating !== undefined;
    this.database = estimating?.database ?? databasePath(config.values);
    this.#readonly = estimating?.database === null || !rows.some(({ stores }) => stores);
    this.#sharedModel = sharedModel ?? null;
    this.stored = new WorkQueue((after) => this.store.pendingExecutions(this.begun().id, after));
  }

  runs(stage: string): boolean {
    return this.rows.some(({ name }) => name === stage);
  }

  /** Opened when it is first asked for: what is wrong with model or problems is said before a database is made. */
  get store(): Store {
    if (this.#store === null) {
      this.signal.throwIfAborted();
      this.#store = Store.open(this.database, { readonly: this.#readonly });
    }
    return this.#store;
  }

  get tokenizer(): Tokenizer | null {
    return this.#model?.tokenizer ?? this.#tokenizer;
  }

  get model(): Model | null {
    return this.#model;
  }

  async loadProblems(): Promise<ProblemSet> {
    this.#problems ??= await problemsOf(this.config);
    return this.#problems;
  }

  async loadModel(): Promise<Model> {
    this.#model ??= await (this.#sharedModel?.() ?? loadModel(this.config));
    return this.#model;
  }

  /** The model's tokenizer, without the weights. Throws `input` where it is not here, or another than the experiment's. */
  async loadTokenizer(): Promise<void> {
    if (this.tokenizer !== null) return;
    try {
      this.#tokenizer = await loadTokenizer(await modelFolderOf(this.config));
    } catch (thrown) {
      if (!(thrown instanceof FaultlineError) || thrown.kind !== 'input') throw thrown;
      throw new FaultlineError('input', `the tokens of failing lines need the model's tokenizer: ${thrown.message}`, {
        place: thrown.place,
        hint: `${thrown.hint === undefined ? '' : `${thrown.hint} `}The tokenizer's files are enough here; the weights are not read.`,
        cause: thrown,
      });
    }
    if (this.experiment === null || this.experiment.tokenizerHash === this.#tokenizer.hash) return;
    throw new FaultlineError('input', `the experiment ${this.experiment.name} was begun with another tokenizer than this model's`, {
      place: { file: this.values['model.path'] },
      hint: 'Name the model that drew its samples with --model, or draw them anew: faultline run --from generate.',
    });
  }

  /** Finds the experiment that a run which generates would begin, by the hashes of model, tokenizer and problems. */
  findPlanned(): void {
    this.#planned = this.#manifest();
    this.experiment = this.store.findExperiment(this.#planned.hash);
  }

  /**
   * Finds the experiment of a run that does not generate: the newest one of this config in the database. Needs neither model nor
   * problems. Stays null where there is none, or no database.
   */
  findStored(): void {
    if (!existsSync(this.database)) return;
    const { values } = this;
    const config = canonicalResults({ ...values, experiment: experimentName(values) });
    const found = this.store.experiments().filter((each) => each.config === config);
    this.experiment = found.at(-1) ?? null;
    if (found.length > 1) {
      this.progress.note(
        `of ${found.length} experiments of this config the newest, ${this.experiment!.hash.slice(0, 12)}, with its own model and problems`,
      );
    }
  }

  /** The experiment, or what it would be begun as. */
  identity(): Pick<Experiment, 'name' | 'hash'> {
    const found = this.experiment ?? this.#planned;
    if (found === null) throw new FaultlineError('internal', 'an experiment was asked for before it was looked for');
    return found;
  }

  /** The experiment's row. Throws `internal` before there is one. */
  begun(): Experiment {
    if (this.experiment === null) throw new FaultlineError('internal', 'a stage ran before its experiment had begun');
    return this.experiment;
  }

  /** The experiment as it would be begun, or go on, here and now: with what is known of device and sandbox. */
  manifestNow(): ExperimentManifest {
    const recorded = this.experiment;
    const base = this.#model === null && recorded !== null ? recorded : this.#manifest();
    if (this.executor === null) return recorded === null ? base : { ...base, ...sandboxOf(recorded) };
    const { pythonVersion, tier, calibration } = this.executor.info;
    return { ...base, pythonVersion, isolationTier: tier, calibration };
  }

  /** Starts the sandbox, with the calibration that the experiment has. */
  async openExecutor(): Promise<ProcessExecutor> {
    const recorded = this.experiment;
    this.executor ??= await openSandbox(this.values, recorded !== null && sandboxKnown(recorded) ? recorded.calibration : undefined);
    return this.executor;
  }

  /** Whether there will be something to execute in this run. */
  hasExecutions(): boolean {
    if (this.tasks.length > 0) return true;
    if (this.experiment === null) return false;
    for (const _ of this.store.pendingExecutions(this.experiment.id)) return true;
    return false;
  }

  /** Stores the problems of a run that generates. */
  recordProblems(): void {
    const rows = this.#problems!.problems.map((problem, position) => ({ ...problem, position }));
    this.store.addProblems(this.begun().id, rows);
  }

  /** How many samples `generate` is to draw. */
  toDraw(): number {
    return samplesOf(this.tasks);
  }

  /** What the stages that work on what is stored are estimated from, before anything is begun. */
  async ahead(): Promise<Ahead> {
    const { store, experiment } = this;
    const stored = experiment === null ? [] : store.problems(experiment.id);
    return { store, experimentId: experiment?.id ?? null, problems: stored.length > 0 ? stored : (await this.loadProblems()).problems };
  }

  /** How many samples there will be when a stage that works on them begins, and how many verdicts. */
  expected(): { readonly samples: number; readonly verdicts: number } {
    const { samples, executed, infra } =
      this.experiment === null ? { samples: 0, executed: 0, infra: 0 } : this.store.counts(this.experiment.id);
    const all = samples + this.toDraw();
    return { samples: all, verdicts: this.runs('execute') ? all : executed + infra };
  }

  /** How many samples the database is to hold of the experiment. */
  total(): number {
    const { id } = this.begun();
    if (this.#problems === null) return extentOf(this.store, this.begun())?.held ?? this.store.counts(id).samples;
    return heldBy(this.store.workShards(id), this.#problems.problems).length * this.values.samples;
  }

  /** Tokens of stored samples, spelled by the tokenizer. */
  tokensOf(): TokensOf<SampleKey & { readonly rawText: string }> {
    const { id } = this.begun();
    const { store, tokenizer } = this;
    if (tokenizer === null) throw new FaultlineError('internal', 'tokens were asked for before the tokenizer was loaded');
    return (sample, range) => {
      const { tokens } = store.tokens(id, sample);
      return tokenSpan(
        Array.from(tokens, (token) => tokenizer.tokenBytes(token)),
        sample.rawText,
        range,
      );
    };
  }

  /** Stops the sandbox, frees a model of its own and closes the database. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.executor?.dispose();
    } finally {
      try {
        if (this.#sharedModel === null) await this.#model?.dispose();
      } finally {
        this.#store?.close();
      }
    }
  }

  #manifest(): ExperimentManifest {
    const { info, tokenizer } = this.#model!;
    return createManifest(this.values, {
      modelHash: info.modelHash,
      tokenizerHash: tokenizer.hash,
      problemsHash: this.#problems!.hash,
      device: info.device,
      deviceName: info.deviceName,
      kernelFamily: info.kernelFamily,
      isa: info.isa,
      cpu: info.cpu,
      pythonVersion: '',
      isolationTier: '',
      calibration: 1,
      version: version(),
    });
  }
}

function sandboxOf({
  pythonVersion,
  isolationTier,
  calibration,
}: Experiment): Pick<Experiment, 'pythonVersion' | 'isolationTier' | 'calibration'> {
  return { pythonVersion, isolationTier, calibration };
}
