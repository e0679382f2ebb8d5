-- Which part of an experiment's work a database is to hold. Shard i of n has the problems whose position leaves i when divided by n,
-- with all their samples; a database may be given several. Not results: whatever the shards, a sample is the same. Not to be confused
-- with `shards`, the files of token arrays.

CREATE TABLE work_shards (
  experiment_id INTEGER NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
  shard_count   INTEGER NOT NULL CHECK (shard_count >= 1),
  shard_index   INTEGER NOT NULL CHECK (shard_index >= 0 AND shard_index < shard_count), -- from 0
  PRIMARY KEY (experiment_id, shard_count, shard_index)
) STRICT, WITHOUT ROWID;

-- Experiments of before were begun as a whole.
INSERT INTO work_shards (experiment_id, shard_count, shard_index) SELECT id, 1, 0 FROM experiments;
