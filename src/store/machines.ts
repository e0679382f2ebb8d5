/** The table `machines`: where an experiment's samples were drawn and its programs executed. Nothing here is a result; looks at no machine. */
import type Database from 'better-sqlite3';
import type { Machine, MachineWork } from './types.js';

export class Machines {
  readonly #insert;
  readonly #all;

  constructor(database: Database.Database) {
    this.#insert = database.prepare<[Machine & { experimentId: number; work: MachineWork }]>(
      `INSERT INTO machines (experiment_id, work, cpu, cores, memory_bytes, system)
       VALUES (@experimentId, @work, @cpu, @cores, @memoryBytes, @system)
       ON CONFLICT DO NOTHING`,
    );
    this.#all = database.prepare<[number, MachineWork], Machine>(
      'SELECT cpu, cores, memory_bytes AS memoryBytes, system FROM machines WHERE experiment_id = ? AND work = ? ORDER BY id',
    );
  }

  add(experimentId: number, work: MachineWork, { cpu, cores, memoryBytes, system }: Machine): void {
    this.#insert.run({ experimentId, work, cpu, cores, memoryBytes, system });
  }

  all(experimentId: number, work: MachineWork): Machine[] {
    return this.#all.all(experimentId, work);
  }
}
