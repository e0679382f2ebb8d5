/** A database of the second schema, as a version of then would have left it, with a row or more in every table. Holds no test. */
import { createHash } from 'node:crypto';
import Database from 'better-sqlite3';
import { loadMigrations, migrate } from '../../../src/store/migrations.js';

/** `FLTL`, as `src/store/database.ts` has it. */
export const APPLICATION_ID = 0x464c544c;
export const OLD_VERSION = 2;

/** Makes the file, closed. */
export function makeOldDatabase(file: string): void {
  const old = new Database(file);
  migrate(old, APPLICATION_ID, loadMigrations().slice(0, OLD_VERSION));
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
  const content = ['T/0', 'def f():\n', 'f', '    return 1\n', 'assert f() == 1\n', 2];
  old.exec(`
    INSERT INTO experiments (id, hash, name, config, seed, model_hash, tokenizer_hash, problems_hash, dtype, kernel_family, isa, cpu,
      python_version, isolation_tier, calibration, version, created_at, device, device_name)
    VALUES (1, 'h', 'n', '{}', '1', 'm', 't', 'p', 'float32', 'fma', 'avx2', 'a CPU', '3.11.7', 'namespaces', 1.5, '0.1.0', 'then', 'cuda', 'a GPU');
    INSERT INTO problems (id, hash, task_id, prompt, entry_point, canonical_solution, test, difficulty)
    VALUES (1, '${hash(JSON.stringify(content))}', 'T/0', 'def f():\n', 'f', '    return 1\n', 'assert f() == 1\n', 2);
    INSERT INTO experiment_problems VALUES (1, 0, 1);
    INSERT INTO samples (id, experiment_id, strategy, problem_id, sample_index, completion, discarded, finish_reason, seed, token_count)
    VALUES (1, 1, 's', 1, 0, '    return x\n', 'more', 'stop', '1', 0), (2, 1, 's', 1, 1, '    return 1\n', '', 'eos', '1', 0),
      (3, 1, 's', 1, 2, '    return 2\n', '', 'eos', '1', 0), (4, 1, 's', 1, 3, '    yield 1\n', '', 'eos', '1', 0);
    INSERT INTO verdicts (sample_id, passed, status, phase, calls, all_none, stdout, exception_phase, exception_type, exception_message,
      exception_line, exception_node, exception_bases, exception_frames)
    VALUES (1, 0, 'exception', 'call', 1, 0, 'out', 'call', 'NameError', 'x', 2, 'other', '["NameError"]', '[{"where":"sample","function":"f","line":2}]');
    INSERT INTO verdicts (sample_id, passed, status, phase, calls, all_none, stdout) VALUES (2, 1, 'passed', 'call', 1, 0, '');
    INSERT INTO verdicts (sample_id, passed, status, phase, calls, all_none, stdout, detail)
    VALUES (4, 0, 'unserialisable', 'call', 1, 0, '', 'generator');
    INSERT INTO executions (sample_id, cpu_seconds, wall_seconds, peak_memory_bytes, near_limit, executed_at)
    VALUES (1, 0.5, 1.5, 9, 0, 'then'), (2, 0.25, 0.75, 8, 1, 'then'), (4, 0.25, 0.75, 8, 0, 'then');
    INSERT INTO categories (id, experiment_id, code, name) VALUES (1, 1, '4.1', 'crash.name_error');
    INSERT INTO classifications VALUES (1, 'crash', 1, 'seen', '1.3'), (2, 'pass', NULL, 'all assertions hold', NULL), (4, 'wrong', NULL, 'seen', NULL);
    INSERT INTO notes (experiment_id, at, stage, text) VALUES (1, 'then', 'run', 'a note');`);
  old.close();
}
