/**
 * The store: one SQLite file per project that holds every experiment, and safetensors shards beside it for
 * per-token arrays. This class is all that other parts see; it holds no SQL itself, but hands each verb to the file
 * of the table it concerns, and turns SQLite's errors into sentences.
 *
 * Thread: every call is synchronous and blocks its thread; one Store per thread. One process writes a database at a
 * time (a second one is refused), any number read it.
 * Durability: a write has happened when the call returns. kill -9 loses the call in flight and nothing else, so
 * callers write in batches of what they can afford to repeat. One call of `addSamples` is one shard file, one fsync
 * and one transaction: a batch of tens or hundreds of samples is right, a call per sample is slow.
 * Errors: every method throws FaultlineError: `output` where the disk refuses, `input` where a stored thing is
 * damaged or missing, `internal` where a caller breaks a rule of this class.
 */
import type Database from 'better-sqlite3';
import type { Shard } from '../config/shard.js';
import type { Verdict } from '../sandbox/verdict.js';
import { StoredAssertionMarks } from './assertion-marks.js';
import { closeDatabase, openDatabase, withClearErrors, type OpenOptions } from './database.js';
import { resultDigest } from './digest.js';
import { Executions } from './executions.js';
import { Experiments } from './experiments.js';
import { Machines } from './machines.js';
import { Notes } from './notes.js';
import { Problems } from './problems.js';
import { Queries } from './queries.js';
import { Questions } from './questions.js';
import { Samples } from './samples.js';
import { Shards } from './shards.js';
import { TextMeasures } from './text-measures.js';
import type {
  Answer,
  AssertionMarks,
  ClassificationRow,
  Counts,
  ExecutionRow,
  Experiment,
  ExperimentManifest,
  JudgedSample,
  Machine,
  MachineWork,
  MeasuredSample,
  MeasuresRow,
  Note,
  PendingExecution,
  ProblemRow,
  SampleFilter,
  SampleKey,
  SampleRow,
  StoredCategory,
  StoredSample,
  TokenArrays,
  TokenPlace,
  TokenSample,
  UnmeasuredSample,
  View,
} from './types.js';

export class Store {
  /** The database file, as it was given. */
  readonly file: string;
  readonly readonly: boolean;
  readonly #database: Database.Database;
  readonly #release: () => void;
  readonly #experiments: Experiments;
  readonly #problems: Problems;
  readonly #shards: Shards;
  readonly #samples: Samples;
  readonly #executions: Executions;
  readonly #queries: Queries;
  readonly #questions: Questions;
  readonly #notes: Notes;
  readonly #machines: Machines;
  readonly #textMeasures: TextMeasures;
  readonly #assertionMarks: StoredAssertionMarks;

  /**
   * Opens a database; for writing (the default) it is created, with its folder, where it is missing, brought to the
   * current schema, locked against other writers, and shards that a killed run left without a row are removed.
   * Throws `output` if it cannot be written or another run holds it, `input` if it is missing (reading), not a
   * faultline database, damaged, or written by a newer faultline; then nothing has been changed.
   */
  static open(file: string, options: OpenOptions = {}): Store {
    return new Store(file, options);
  }

  private constructor(file: string, options: OpenOptions) {
    this.file = file;
    this.readonly = options.readonly ?? false;
    const opened = openDatabase(file, options);
    this.#database = opened.database;
    this.#release = opened.release;
    try {
      this.#experiments = new Experiments(opened.database);
      this.#problems = new Problems(opened.database);
      this.#shards = new Shards(opened.database, file);
      this.#samples = new Samples(opened.database, this.#problems, this.#shards);
      this.#executions = new Executions(opened.database, this.#samples);
      this.#queries = new Queries(opened.database, this.#samples);
      this.#questions = new Questions(opened.database);
      this.#notes = new Notes(opened.database);
      this.#machines = new Machines(opened.database);
      this.#textMeasures = new TextMeasures(opened.database, this.#samples);
      this.#assertionMarks = new StoredAssertionMarks(opened.database, this.#samples);
      if (!this.readonly)
        this.#guard(() => {
          this.#shards.removeOrphans();
        });
    } catch (thrown) {
      this.close();
      throw thrown;
    }
  }

  /** Closes the database and lets other runs write it. Idempotent. */
  close(): void {
    closeDatabase(this.#database);
    this.#release();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** All experiments, oldest first. */
  experiments(): Experiment[] {
    return this.#guard(() => this.#experiments.all());
  }

  /**
   * The experiment with this hash, with this beginning of a hash (at least 6 digits, one match), or, among those with
   * this name, the one created last; null if there is none. Throws `usage` where the beginning fits several.
   */
  findExperiment(nameOrHash: string): Experiment | null {
    return this.#guard(() => this.#experiments.find(nameOrHash));
  }

  /**
   * The experiment with the manifest's hash: a new row, or the existing one as it was first recorded. The caller
   * compares the fields that the hash leaves out (kernel family, Python, isolation) and decides whether to go on.
   *
   * `shards` are added to the parts of the work that this database is to hold; without any, a new experiment is begun as a
   * whole, and one that is there stays what it was. An experiment that gets more to hold is no longer finished.
   */
  beginExperiment(manifest: ExperimentManifest, shards: readonly Shard[] = [], options: { readonly createdAt?: string } = {}): Experiment {
    return this.#guard(() => this.#experiments.begin(manifest, shards, options.createdAt ?? new Date().toISOString()));
  }

  /**
   * Records what executes an experiment's samples, where that is not known yet: one that has only been generated has an empty
   * `pythonVersion`. What is known stays. Returns the row.
   */
  recordSandbox(experimentId: number, sandbox: Pick<ExperimentManifest, 'pythonVersion' | 'isolationTier' | 'calibration'>): Experiment {
    return this.#guard(() => this.#experiments.recordSandbox(experimentId, sandbox));
  }

  /** Records how an experiment's stored decisions count categories; see {@link Experiment.categorySettings}. Replaces what was recorded. */
  recordCategories(experimentId: number, settings: string | null): void {
    this.#guard(() => {
      this.#experiments.recordCategories(experimentId, settings);
    });
  }

  /** The parts of an experiment's work that this database is to hold, at least one. */
  workShards(experimentId: number): Shard[] {
    return this.#guard(() => this.#experiments.shards(experimentId));
  }

  /** Marks an experiment as complete. The first finish stays: finishing again changes nothing. */
  finishExperiment(experimentId: number): void {
    this.#guard(() => {
      this.#experiments.finish(experimentId);
    });
  }

  /**
   * Records the experiment's problems. Adding the same ones again changes nothing; throws `input` where a task was
   * recorded with other content, or occurs twice.
   */
  addProblems(experimentId: number, rows: readonly ProblemRow[]): void {
    this.#guard(() => {
      this.#problems.add(experimentId, rows);
    });
  }

  /** The experiment's problems, by position. */
  problems(experimentId: number): ProblemRow[] {
    return this.#guard(() => this.#problems.rows(experimentId));
  }

  /**
   * Records samples, all or none. A sample that is there with the same content is left alone, with other content it
   * throws `internal`: samples are reproducible, so this means that they were not.
   */
  addSamples(experimentId: number, rows: readonly SampleRow[]): void {
    this.#guard(() => {
      this.#samples.add(experimentId, rows);
    });
  }

  /** The strategies that have samples, by name. */
  strategies(experimentId: number): string[] {
    return this.#guard(() => this.#samples.strategies(experimentId));
  }

  /** Which sample indices each task has under a strategy; tasks without samples are absent. */
  doneSampleKeys(experimentId: number, strategy: string): Map<string, Set<number>> {
    return this.#guard(() => this.#samples.doneKeys(experimentId, strategy));
  }

  /** Samples by strategy, problem position and sample index. Rows may be added while this is read. */
  samples(experimentId: number, filter: Pick<SampleFilter, 'strategy' | 'taskId'> = {}): Iterable<StoredSample> {
    return this.#guardEach(this.#samples.rows(experimentId, filter));
  }

  /** The per-token arrays of one sample, copied. Throws `input` if there is no such sample or its shard is damaged. */
  tokens(experimentId: number, key: SampleKey): TokenArrays {
    return this.#guard(() => this.#samples.tokens(experimentId, key));
  }

  /** Where the per-token arrays of samples lie, in the order of `samples`; of those that have tokens. */
  tokenPlaces(experimentId: number): Iterable<TokenPlace> {
    return this.#guardEach(this.#samples.places(experimentId));
  }

  /**
   * Samples without a verdict, and those whose verdict is `infra`, in the order in which they were stored, after the
   * place `after`. Samples and executions may be added while this is read: new samples come at the end, and what is
   * behind the reader is not seen again. A few are in memory at a time.
   */
  pendingExecutions(experimentId: number, after = 0): Iterable<PendingExecution> {
    return this.#guardEach(this.#queries.pending(experimentId, after));
  }

  /** The verdict of a program that another sample of the experiment had too; null where there is none, or `infra`. */
  verdictOf(experimentId: number, taskId: string, completion: string): Verdict | null {
    return this.#guard(() => this.#queries.verdict(experimentId, taskId, completion));
  }

  /**
   * Records executions with their decisions, all or none. An `infra` verdict is replaced by any later one; another
   * verdict that is there already is left alone if its result columns are the same, else this throws `internal`.
   */
  addExecutions(experimentId: number, rows: readonly ExecutionRow[]): void {
    this.#guard(() => {
      this.#executions.add(experimentId, rows);
    });
  }

  /**
   * Replaces decisions, all or none; verdicts stay. Throws `internal` for a sample without a verdict.
   * @param categorySettings how all of the experiment's decisions count categories from then on, recorded in the same transaction; what was
   *   recorded stays without it
   */
  replaceClassification(experimentId: number, rows: readonly ClassificationRow[], categorySettings?: string): void {
    this.#guard(() => {
      const replace = this.#database.transaction(() => {
        if (rows.length > 0) this.#executions.replaceClassification(experimentId, rows);
        if (categorySettings !== undefined) this.#experiments.recordCategories(experimentId, categorySettings);
      });
      replace.immediate();
    });
  }

  /** The categories that decisions fall in, by code, with what decisions of today are compared by. */
  categories(experimentId: number): StoredCategory[] {
    return this.#guard(() => this.#executions.categories(experimentId));
  }

  /** Samples with a verdict, `infra` included, by strategy, problem position and sample index. */
  judgedSamples(experimentId: number, filter: SampleFilter = {}): Iterable<JudgedSample> {
    return this.#guardEach(this.#queries.judged(experimentId, filter));
  }

  /** The same samples with their per-token arrays. Throws `input` where a file of arrays is missing or damaged. */
  judgedTokens(experimentId: number): Iterable<TokenSample> {
    return this.#guardEach(this.#queries.judgedTokens(experimentId));
  }

  /** Records what samples' texts are like, all or none; what is there of the same sample is replaced. */
  putTextMeasures(experimentId: number, rows: readonly MeasuresRow[]): void {
    this.#guard(() => {
      this.#textMeasures.put(experimentId, rows);
    });
  }

  /** Text measures in the order of {@link Store.samples}, of the samples that were measured and are not stale. */
  textMeasures(experimentId: number, filter: Pick<SampleFilter, 'taskId'> = {}): Iterable<MeasuresRow> {
    return this.#guardEach(this.#textMeasures.of(experimentId, filter));
  }

  /** How many samples have been measured, and are not stale: a release after that has other measures. */
  measuredCount(experimentId: number): number {
    return this.#guard(() => this.#textMeasures.count(experimentId));
  }

  /**
   * Samples that have not been measured, or whose measures are stale, in the order in which they were stored, so that each file of token arrays is read once.
   * Measures may be recorded while this is read. A few samples are in memory at a time. Throws `input` where a shard is damaged.
   * @param every of all rows of samples that were ever stored, those whose number it divides: a few from all over
   */
  unmeasuredSamples(experimentId: number, every = 1): Iterable<UnmeasuredSample> {
    return this.#guardEach(this.#textMeasures.unmeasured(experimentId, every));
  }

  /** Samples with a verdict, `infra` included, and their measures where there are any, in the order of {@link Store.judgedSamples}. */
  measuredSamples(experimentId: number): Iterable<MeasuredSample> {
    return this.#guardEach(this.#textMeasures.judged(experimentId));
  }

  /**
   * Records which assertions the prompts show, all or none. What is known of a problem stays; why nothing was is replaced.
   * Throws `internal` for a problem that the experiment has not.
   */
  addAssertionMarks(experimentId: number, rows: readonly AssertionMarks[]): void {
    this.#guard(() => {
      this.#assertionMarks.add(experimentId, rows);
    });
  }

  /** What is known of the experiment's problems, by position; problems that nobody has looked at are absent. */
  assertionMarks(experimentId: number): AssertionMarks[] {
    return this.#guard(() => this.#assertionMarks.all(experimentId));
  }

  counts(experimentId: number): Counts {
    return this.#guard(() => this.#queries.counts(experimentId));
  }

  /** The views that {@link Store.ask} may name, with their columns. */
  views(): View[] {
    return this.#guard(() => this.#questions.views());
  }

  /**
   * The first `most` rows that one SQL statement of a user's own gives, or a view, by its name. Throws `usage` for what is not one
   * statement that reads, names what is not there, wants values for parameters, or fails on its own values.
   */
  ask(question: string, most: number): Answer {
    return this.#guard(() => this.#questions.ask(question, most));
  }

  /** The `most` samples whose exceptions' types and messages fit best to all of `words`; a word that ends in `*` is a beginning. */
  search(words: string, most: number): Answer {
    return this.#guard(() => this.#questions.search(words, most));
  }

  /** Adds a line to the experiment's run log; `at` (UTC, ISO 8601) is now where it does not come from another database. */
  addNote(experimentId: number, stage: string, text: string, at = new Date().toISOString()): void {
    this.#guard(() => {
      this.#notes.add(experimentId, { at, stage, text });
    });
  }

  notes(experimentId: number): Note[] {
    return this.#guard(() => this.#notes.all(experimentId));
  }

  /** Records that a machine did a part of an experiment's work; once is enough. */
  recordMachine(experimentId: number, work: MachineWork, machine: Machine): void {
    this.#guard(() => {
      this.#machines.add(experimentId, work, machine);
    });
  }

  /** The machines that did that work, in the order in which they took part; none where an older version did. */
  machines(experimentId: number, work: MachineWork): Machine[] {
    return this.#guard(() => this.#machines.all(experimentId, work));
  }

  /**
   * SHA-256 over all result columns by natural key, in hexadecimal. Two runs of one experiment that agree in every
   * result have the same digest, however they were interrupted, batched or ordered. Times, memory, host, row ids,
   * time stamps, near-limit marks, infra verdicts and the stdout of killed programs are not in it, nor are text measures, which
   * are made from what is in it and depend on the build of zlib, nor marks of assertions, which are made from the problems.
   */
  resultDigest(experimentId: number): string {
    return this.#guard(() => resultDigest(experimentId, this.#experiments, this.#problems, this.#samples, this.#queries));
  }

  #guard<T>(work: () => T): T {
    return withClearErrors(this.file, work);
  }

  *#guardEach<T>(rows: Iterable<T>): Generator<T, void, undefined> {
    const iterator = rows[Symbol.iterator]();
    for (;;) {
      const next = this.#guard(() => iterator.next());
      if (next.done === true) return;
      yield next.value;
    }
  }
}
