-- The measure ast_match, and which rows of text_measures are not whole. Rows from before have no value of it: they keep what they have and
-- are stale, which the stage `measure` takes for not measured, and replaces. From here on a release that adds a measure or changes one's
-- definition sets is_stale in a step of its own, and deletes nothing. The table is made anew for the order of its columns, which is that of
-- src/text-metrics/measures.ts; its view is step 8's with the new column.

DROP VIEW text_measures_by_sample;
-- By copies: a renaming follows the table into views of the user's own, and fails where one of those is broken.
CREATE TABLE text_measures_before AS SELECT * FROM text_measures;
DROP TABLE text_measures;

CREATE TABLE text_measures (
  sample_id        INTEGER PRIMARY KEY REFERENCES samples (id) ON DELETE CASCADE,
  bleu             REAL,
  chrf             REAL,
  rouge_l          REAL,
  edit_similarity  REAL,
  token_similarity REAL,
  weighted_ngrams  REAL,
  block_similarity REAL,
  ast_match        REAL,
  characters       REAL,
  lines            REAL,
  python_tokens    REAL,
  repeated_ngrams  REAL,
  line_run         REAL,
  zlib_ratio       REAL,
  mean_logprob     REAL,
  mean_entropy     REAL,
  perplexity       REAL,
  is_stale         INTEGER NOT NULL DEFAULT 0 CHECK (is_stale IN (0, 1))
) STRICT;

INSERT INTO text_measures (sample_id, bleu, chrf, rouge_l, edit_similarity, token_similarity, weighted_ngrams, block_similarity,
  characters, lines, python_tokens, repeated_ngrams, line_run, zlib_ratio, mean_logprob, mean_entropy, perplexity, is_stale)
SELECT sample_id, bleu, chrf, rouge_l, edit_similarity, token_similarity, weighted_ngrams, block_similarity,
  characters, lines, python_tokens, repeated_ngrams, line_run, zlib_ratio, mean_logprob, mean_entropy, perplexity, 1
FROM text_measures_before;

DROP TABLE text_measures_before;

CREATE VIEW text_measures_by_sample AS
SELECT
  e.name AS experiment, s.strategy, p.task_id, ep.position AS problem_position, s.sample_index, c.outcome,
  k.code AS category_code, k.name AS category,
  m.bleu, m.chrf, m.rouge_l, m.edit_similarity, m.token_similarity, m.weighted_ngrams, m.block_similarity, m.ast_match,
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
