/** The table `experiments`: one row per manifest. Compares nothing but hashes; what a resume may differ in is the caller's to judge. */
import type Database from 'better-sqlite3';
import { FaultlineError } from '../errors.js';
import type { Experiment, ExperimentManifest } from './types.js';

const COLUMNS = `id, hash, name, config, seed, model_hash AS modelHash, tokenizer_hash AS tokenizerHash, problems_hash AS problemsHash,
  dtype, device, device_name AS deviceName, kernel_family AS kernelFamily, isa, cpu, python_version AS pythonVersion, isolation_tier AS isolationTier, calibration,
  version, created_at AS createdAt, finished_at AS finishedAt`;

/** Fewer digits of a hash than this could be meant as a name. */
const SHORTEST_HASH = 6;

export class Experiments {
  readonly #all;
  readonly #byId;
  readonly #byHash;
  readonly #byHashStart;
  readonly #byName;
  readonly #insert;
  readonly #finish;

  constructor(database: Database.Database) {
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
    this.#finish = database.prepare<[string, number]>('UPDATE experiments SET finished_at = ? WHERE id = ? AND finished_at IS NULL');
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

  begin(manifest: ExperimentManifest): Experiment {
    this.#insert.run({ ...manifest, createdAt: new Date().toISOString() });
    const found = this.#byHash.get(manifest.hash);
    if (found === undefined) throw new FaultlineError('internal', `the experiment ${manifest.hash} was not recorded`);
    return found;
  }

  finish(id: number): void {
    this.byId(id);
    this.#finish.run(new Date().toISOString(), id);
  }
}
