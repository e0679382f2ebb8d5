-- Measures of samples' texts: one column for each measure of src/text-metrics/measures.ts, under its key and in its unit; NULL where the
-- measure has no value. Made from what is stored, and not results: how far zlib compresses depends on the build of Node, so that two
-- machines may differ in zlib_ratio. The digest leaves them out, merging does not carry them over, and the stage `measure` makes what is
-- missing. A release that changes a measure's definition deletes all rows in a step of its own.

CREATE TABLE text_measures (
  sample_id        INTEGER PRIMARY KEY REFERENCES samples (id) ON DELETE CASCADE,
  bleu             REAL,
  chrf             REAL,
  rouge_l          REAL,
  edit_similarity  REAL,
  token_similarity REAL,
  weighted_ngrams  REAL,
  block_similarity REAL,
  characters       REAL,
  lines            REAL,
  python_tokens    REAL,
  repeated_ngrams  REAL,
  line_run         REAL,
  zlib_ratio       REAL,
  mean_logprob     REAL,
  mean_entropy     REAL,
  perplexity       REAL
) STRICT;

-- One row for each sample that was measured, judged or not.
CREATE VIEW text_measures_by_sample AS
SELECT
  e.name AS experiment, s.strategy, p.task_id, ep.position AS problem_position, s.sample_index, c.outcome,
  k.code AS category_code, k.name AS category,
  m.bleu, m.chrf, m.rouge_l, m.edit_similarity, m.token_similarity, m.weighted_ngrams, m.block_similarity,
  m.characters, m.lines, m.python_tokens, m.repeated_ngrams, m.line_run, m.zlib_ratio,
  m.mean_logprob, m.mean_entropy, m.perplexity,
  e.hash AS experiment_hash
FROM text_measures m
JOIN samples s ON s.id = m.sample_id
JOIN experiments e ON e.id = s.experiment_id
JOIN problems p ON p.id = s.problem_id
JOIN experiment_problems ep ON ep.experiment_id = s.experiment_id AND ep.problem_id = s.problem_id
LEFT JOIN classifications c ON c.sample_id = s.id
LEFT JOIN categories k ON k.id = c.category_id;
