-- The first schema. What each table is, what its rows mean, and which columns are results.
--
-- A result column is one that every run of an experiment must reproduce to the byte. Everything else (times, memory,
-- row ids, time stamps) is marked "measured" or "bookkeeping" here and is left out of the digest.
-- Boolean columns are 0 or 1. JSON columns hold arrays. 64-bit seeds are decimal text, as many readers lose digits.

-- One row per config, seed and set of input files. `hash` identifies all that decides results.
CREATE TABLE experiments (
  id             INTEGER PRIMARY KEY,
  hash           TEXT NOT NULL UNIQUE,
  name           TEXT NOT NULL,
  config         TEXT NOT NULL,              -- canonical JSON
  seed           TEXT NOT NULL,
  model_hash     TEXT NOT NULL,              -- SHA-256, as are the two below
  tokenizer_hash TEXT NOT NULL,
  problems_hash  TEXT NOT NULL,
  dtype          TEXT NOT NULL,
  kernel_family  TEXT NOT NULL,
  isa            TEXT NOT NULL,
  cpu            TEXT NOT NULL,
  python_version TEXT NOT NULL,
  isolation_tier TEXT NOT NULL,
  calibration    REAL NOT NULL,              -- this machine's speed on the reference loop, kept for resuming
  version        TEXT NOT NULL,              -- of faultline
  created_at     TEXT NOT NULL,              -- bookkeeping, UTC, ISO 8601
  finished_at    TEXT                        -- bookkeeping; NULL while unfinished
) STRICT;
CREATE INDEX experiments_by_name ON experiments (name);

-- Problem texts, stored once by content and shared between experiments.
CREATE TABLE problems (
  id                 INTEGER PRIMARY KEY,
  hash               TEXT NOT NULL UNIQUE,   -- SHA-256 over all columns below
  task_id            TEXT NOT NULL,
  prompt             TEXT NOT NULL,
  entry_point        TEXT NOT NULL,
  canonical_solution TEXT NOT NULL,
  test               TEXT NOT NULL,
  difficulty         INTEGER                 -- 1 (easy) to 4; NULL where the dataset does not say
) STRICT;

-- Which problems an experiment has, in the order of its problem file.
CREATE TABLE experiment_problems (
  experiment_id INTEGER NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
  position      INTEGER NOT NULL,            -- from 0
  problem_id    INTEGER NOT NULL REFERENCES problems (id),
  PRIMARY KEY (experiment_id, position),
  UNIQUE (experiment_id, problem_id)
) STRICT, WITHOUT ROWID;

-- Safetensors files in the folder `<database>.shards`, each with the tensors tokens (int32), logprobs and entropies
-- (float32), one value per token, samples one after the other. A row exists only for a file that is on disk in full.
CREATE TABLE shards (
  id            INTEGER PRIMARY KEY,
  experiment_id INTEGER NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
  file          TEXT NOT NULL UNIQUE,        -- name within the folder
  token_count   INTEGER NOT NULL,
  byte_size     INTEGER NOT NULL,
  sha256        TEXT NOT NULL
) STRICT;
CREATE INDEX shards_by_experiment ON shards (experiment_id);

-- One completion of one problem under one strategy.
CREATE TABLE samples (
  id            INTEGER PRIMARY KEY,
  experiment_id INTEGER NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
  strategy      TEXT NOT NULL,
  problem_id    INTEGER NOT NULL,
  sample_index  INTEGER NOT NULL,            -- from 0
  completion    TEXT NOT NULL,               -- what is executed after the prompt
  discarded     TEXT NOT NULL,               -- what was generated past the cut: raw text = completion || discarded
  finish_reason TEXT NOT NULL,               -- eos, stop, function, length, context, error
  seed          TEXT NOT NULL,
  error         TEXT,                        -- why there is no completion, with finish_reason error
  token_count   INTEGER NOT NULL,
  mean_logprob  REAL,                        -- NULL without tokens
  shard_id      INTEGER REFERENCES shards (id), -- bookkeeping; NULL without tokens
  shard_offset  INTEGER,                     -- bookkeeping: index of the first token in the shard
  UNIQUE (experiment_id, strategy, problem_id, sample_index),
  FOREIGN KEY (experiment_id, problem_id) REFERENCES experiment_problems (experiment_id, problem_id)
) STRICT;

-- How a sample's execution ended. Columns that the status does not use are NULL.
-- status, passed, limits, exits and signals are observed from outside; exception and stdout columns are the candidate
-- process's own description.
CREATE TABLE verdicts (
  sample_id         INTEGER PRIMARY KEY REFERENCES samples (id) ON DELETE CASCADE,
  passed            INTEGER NOT NULL CHECK (passed IN (0, 1)),
  status            TEXT NOT NULL,           -- passed, syntax, exception, limit, exit, signal, assertion, ...
  phase             TEXT NOT NULL,           -- compile, load or call: where the execution stood when it ended
  calls             INTEGER NOT NULL,        -- calls that the candidate answered
  all_none          INTEGER NOT NULL CHECK (all_none IN (0, 1)), -- every answered call returned None
  stdout            TEXT NOT NULL,           -- first 2,000 characters; not a result where the program was killed
  detail            TEXT,                    -- missing entry point: how; limit: resource; exit: via; signal; tamper:
                                             -- evidence; unserialisable: type; not_run and infra: reason
  exit_code         INTEGER,
  exception_phase   TEXT,                    -- status exception: load or call
  exception_type    TEXT,
  exception_message TEXT,
  exception_line    INTEGER,                 -- 1-based in prompt + completion
  exception_column  INTEGER,                 -- 1-based, syntax errors
  exception_node    TEXT,                    -- raise, assert, import or other
  exception_bases   TEXT,                    -- JSON: class names up to BaseException
  exception_frames  TEXT,                    -- JSON: [{where, function, line}], outermost first
  assertion_index   INTEGER,                 -- first failing assertion, from 0
  assertion_source  TEXT,
  returned          TEXT,                    -- repr, truncated, as are the next three
  returned_type     TEXT,
  expected          TEXT,
  expected_type     TEXT,
  assertions_total  INTEGER,                 -- NULL where the second pass did not run
  assertions_passed INTEGER
) STRICT;

-- What an execution cost: measured, so not results.
CREATE TABLE executions (
  sample_id         INTEGER PRIMARY KEY REFERENCES verdicts (sample_id) ON DELETE CASCADE,
  cpu_seconds       REAL NOT NULL,
  wall_seconds      REAL NOT NULL,
  peak_memory_bytes INTEGER NOT NULL,
  near_limit        INTEGER NOT NULL CHECK (near_limit IN (0, 1)), -- met a limit, finished at three times the limits
  executed_at       TEXT NOT NULL
) STRICT;

-- The coarse column beside the category. Crash rate = (load + crash) / all samples but infra.
CREATE TABLE outcomes (
  name     TEXT PRIMARY KEY,
  position INTEGER NOT NULL UNIQUE           -- order in tables and plots
) STRICT, WITHOUT ROWID;
INSERT INTO outcomes (name, position) VALUES
  ('pass', 0), ('generation', 1), ('syntax', 2), ('load', 3), ('crash', 4), ('resource', 5), ('exit', 6),
  ('tamper', 7), ('wrong', 8), ('infra', 9);

-- The leaves that occurred, by experiment, as a config may rename or merge them.
CREATE TABLE categories (
  id            INTEGER PRIMARY KEY,
  experiment_id INTEGER NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
  code          TEXT NOT NULL,               -- such as 4.1
  name          TEXT NOT NULL,               -- such as crash.name_error
  UNIQUE (experiment_id, code)
) STRICT;

-- What the taxonomy made of a verdict. Apart from it, so that deciding again needs no execution.
CREATE TABLE classifications (
  sample_id       INTEGER PRIMARY KEY REFERENCES verdicts (sample_id) ON DELETE CASCADE,
  outcome         TEXT NOT NULL REFERENCES outcomes (name),
  category_id     INTEGER REFERENCES categories (id), -- NULL for a pass
  evidence        TEXT NOT NULL,
  generation_code TEXT                       -- leaf of family 1 found beside the category
) STRICT;
CREATE INDEX classifications_by_category ON classifications (category_id);

-- Run log: what happened to an experiment, apart from its results.
CREATE TABLE notes (
  id            INTEGER PRIMARY KEY,
  experiment_id INTEGER NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
  at            TEXT NOT NULL,
  stage         TEXT NOT NULL,
  text          TEXT NOT NULL
) STRICT;
CREATE INDEX notes_by_experiment ON notes (experiment_id);

-- For people who read the file without faultline: one row per sample, with everything that was found about it.
CREATE VIEW sample_results AS
SELECT
  e.name AS experiment, s.strategy, p.task_id, ep.position AS problem_position, s.sample_index, p.difficulty,
  s.completion, s.finish_reason, s.token_count, s.mean_logprob, v.passed, v.status, c.outcome,
  k.code AS category_code, k.name AS category, c.evidence, c.generation_code, v.exception_type, v.exception_message,
  v.exception_line, x.cpu_seconds, x.wall_seconds, x.peak_memory_bytes, x.near_limit
FROM samples s
JOIN experiments e ON e.id = s.experiment_id
JOIN problems p ON p.id = s.problem_id
JOIN experiment_problems ep ON ep.experiment_id = s.experiment_id AND ep.problem_id = s.problem_id
LEFT JOIN verdicts v ON v.sample_id = s.id
LEFT JOIN executions x ON x.sample_id = s.id
LEFT JOIN classifications c ON c.sample_id = s.id
LEFT JOIN categories k ON k.id = c.category_id;
