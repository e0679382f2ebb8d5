/** The tables `experiments` (one row per manifest) and `work_shards` (which part of its work is here). Compares nothing but hashes; what a resume may differ in is the caller's to judge. */
import type Database from 'better-sqlite3';
import { WHOLE, type Shard } from '../config/shard.js';
import { FaultlineError } from '../errors.js';
import type { Experiment, ExperimentManifest } from './types.js';

const COLUMNS = `id, hash, name, config, seed, model_hash AS modelHash, tokenizer_hash AS tokenizerHash, problems_hash AS problemsHash,
  dtype, device, device_name AS deviceName, kernel_family AS kernelFamily, isa, cpu, python_version AS pythonVersion, isolation_tier AS isolationTier, calibration,
  version, created_at AS createdAt, finished_at AS finishedAt, category_settings AS categorySettings`;

/** Fewer digits of a hash than this could be meant as a name. */
const SHORTEST_HASH = 6;

export class Experiments {
  readonly #database: Database.Database;
  readonly #all;
  readonly #byId;
  readonly #byHash;
  readonly #byHashStart;
  readonly #byName;
  readonly #insert;
  readonly #recordSandbox;
  readonly #recordCategories;
  readonly #finish;
  readonly #reopen;
  readonly #shards;
  readonly #addShard;

  constructor(database: Database.Database) {
    this.#database = database;
    this.#all = database.prepare<[], Experiment>(`SELECT ${COLUMNS} FROM experiments ORDER BY id`);
    this.#byId = database.prepare<[number], Experiment>(`SELECT ${COLUMNS} FROM experiments WHERE id = ?`);
    this.#byHash = database.prepare<[string], Experiment>(`SELECT ${COLUMNS} FROM experiments WHERE hash = ?`);
    this.#byHashStart = database.prepare<[string, string], Experiment>(
      `SELECT ${COLUMNS} FROM experiments WHERE substr(hash, 1, length(?)) = ? ORDER BY id`,
    );
    this.#byName = database.prepare<[string], Experiment>(`SELECT ${COLUMNS} FROM experiments WHERE name = ? ORDER BY id DESC LIMIT 1`);
    this.#insert = database.prepare<[ExperimentManifest & { createdAt: string }]>(
      `INSERT INTO experiments (hash, name, config, seed, model_hash, tokenizer_hash, problems_hash, dtype, device, device_name, kernel_family, isa, cpu,
         python_version, isolation_tier, calibration, version, created_at)
       VALUES (@hash, @name, @config, @seed, @modelHash, @tokenizerHash, @problemsHash, @dtype, @device, @deviceName, @kernelFamily, @isa, @cpu,
         @pythonVersion, @isolationTier, @calibration, @version, @createdAt)
       ON CONFLICT (hash) DO NOTHING`,
    );
    this.#recordSandbox = database.prepare<[string, string, number, number]>(
      `UPDATE experiments SET python_version = ?, isolation_tier = ?, calibration = ? WHERE id = ? AND python_version = ''`,
    );
    this.#recordCategories = database.prepare<[string | null, number, string | null]>(
      'UPDATE experiments SET category_settings = ? WHERE id = ? AND category_settings IS NOT ?',
    );
    this.#finish = database.prepare<[string, number]>('UPDATE experiments SET finished_at = ? WHERE id = ? AND finished_at IS NULL');
    this.#reopen = database.prepare<[number]>('UPDATE experiments SET finished_at = NULL WHERE id = ?');
    this.#shards = database.prepare<[number], Shard>(
      `SELECT shard_index AS "index", shard_count AS count FROM work_shards WHERE experiment_id = ? ORDER BY shard_count, shard_index`,
    );
    this.#addShard = database.prepare<[number, number, number]>(
      'INSERT INTO work_shards (experiment_id, shard_count, shard_index) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    );
  }

  all(): Experiment[] {
    return this.#all.all();
  }

  /** Throws `internal` where there is no such row: ids come from this store. */
  byId(id: number): Experiment {
    const found = this.#byId.get(id);
    if (found === undefined) throw new FaultlineError('internal', `the database has no experiment with id ${id}`);
    return found;
  }

  find(nameOrHash: string): Experiment | null {
    const exact = this.#byHash.get(nameOrHash) ?? this.#byName.get(nameOrHash);
    if (exact !== undefined) return exact;
    if (nameOrHash.length < SHORTEST_HASH) return null;
    const [first, second] = this.#byHashStart.all(nameOrHash, nameOrHash);
    if (first !== undefined && second !== undefined) {
      throw new FaultlineError('usage', `${nameOrHash} is the beginning of several experiments' hashes`, {
        hint: `Give more digits, such as ${first.hash.slice(0, 16)} (${first.name}) or ${second.hash.slice(0, 16)} (${second.name}).`,
      });
    }
    return first ?? null;
  }

  begin(manifest: ExperimentManifest, shards: readonly Shard[], createdAt: string): Experiment {
    const begin = this.#database.transaction(() => {
      const isNew = this.#insert.run({ ...manifest, createdAt }).changes > 0;
      const { id } = this.#byHash.get(manifest.hash)!;
      let added = 0;
      for (const { index, count } of isNew && shards.length === 0 ? [WHOLE] : shards) added += this.#addShard.run(id, count, index).changes;
      if (!isNew && added > 0) this.#reopen.run(id);
      return this.byId(id);
    });
    return begin.immediate();
  }

  recordSandbox(
    id: number,
    { pythonVersion, isolationTier, calibration }: Pick<ExperimentManifest, 'pythonVersion' | 'isolationTier' | 'calibration'>,
  ): Experiment {
    this.#recordSandbox.run(pythonVersion, isolationTier, calibration, id);
    return this.byId(id);
  }

  recordCategories(id: number, settings: string | null): void {
    this.#recordCategories.run(settings, id, settings);
  }

  shards(id: number): Shard[] {
    return this.#shards.all(id);
  }

  finish(id: number): void {
    this.byId(id);
    this.#finish.run(new Date().toISOString(), id);
  }
}
