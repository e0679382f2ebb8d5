/** The table `notes`: an experiment's run log, in the order it was written. Nothing here is a result. */
import type Database from 'better-sqlite3';
import type { Note } from './types.js';

export class Notes {
  readonly #insert;
  readonly #all;

  constructor(database: Database.Database) {
    this.#insert = database.prepare<[number, string, string, string]>(
      'INSERT INTO notes (experiment_id, at, stage, text) VALUES (?, ?, ?, ?)',
    );
    this.#all = database.prepare<[number], Note>('SELECT at, stage, text FROM notes WHERE experiment_id = ? ORDER BY id');
  }

  add(experimentId: number, { at, stage, text }: Note): void {
    this.#insert.run(experimentId, at, stage, text);
  }

  all(experimentId: number): Note[] {
    return this.#all.all(experimentId);
  }
}
