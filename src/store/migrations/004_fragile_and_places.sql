-- What makes a pass fragile needs more of the problem; a sample's program can be found again by its text; and a decision says
-- by which rule, and where in the completion and its tokens. NULL in rows of before.

ALTER TABLE problems ADD COLUMN further_test TEXT;         -- of the data set, on which no pass depends; NULL where there is none
ALTER TABLE problems ADD COLUMN unsupported TEXT;          -- why no sample can be judged; NULL where they can
-- The hash of a problem covers these two where one of them is not NULL.

-- Equal programs of one problem are executed once, and their rows in verdicts and executions repeat what that execution showed and
-- cost. The length makes a small index of it.
CREATE INDEX samples_by_text ON samples (experiment_id, problem_id, length(completion));

ALTER TABLE classifications ADD COLUMN rule TEXT;           -- that decided; NULL without a category
ALTER TABLE classifications ADD COLUMN failing_line INTEGER;   -- 1-based in prompt + completion; NULL where no line is known
ALTER TABLE classifications ADD COLUMN failing_column INTEGER; -- 1-based, in characters
ALTER TABLE classifications ADD COLUMN failing_node TEXT;   -- class of the innermost statement there, as Python's ast calls it
ALTER TABLE classifications ADD COLUMN span_start INTEGER;  -- UTF-8 bytes of the completion, start included, end not
ALTER TABLE classifications ADD COLUMN span_end INTEGER;
ALTER TABLE classifications ADD COLUMN token_first INTEGER; -- the tokens that hold the span, both included, from 0; NULL without tokens
ALTER TABLE classifications ADD COLUMN token_last INTEGER;
ALTER TABLE classifications ADD COLUMN tags TEXT;           -- JSON: what else is true of the sample, sorted

-- JSON: the codes of a leaf in published taxonomies; a category of the config's own has those of the first leaf that it is over.
ALTER TABLE categories ADD COLUMN dou TEXT;
ALTER TABLE categories ADD COLUMN tambon TEXT;
ALTER TABLE categories ADD COLUMN codehalu TEXT;

DROP VIEW sample_results;
CREATE VIEW sample_results AS
SELECT
  e.name AS experiment, s.strategy, p.task_id, ep.position AS problem_position, s.sample_index, p.difficulty,
  s.completion, s.finish_reason, s.token_count, s.mean_logprob, v.passed, v.status, c.outcome,
  k.code AS category_code, k.name AS category, k.dou, k.tambon, k.codehalu, c.rule, c.evidence, c.generation_code, c.tags,
  c.failing_line, c.failing_column, c.failing_node, c.span_start, c.span_end, c.token_first, c.token_last,
  v.exception_type, v.exception_message, v.exception_line, v.exception_locals, v.exception_frames,
  v.assertions_total, v.assertions_passed, v.hash_seeds_tried, v.hash_seeds_failed, v.further_test,
  x.slowdown, x.cpu_seconds, x.wall_seconds, x.peak_memory_bytes, x.near_limit
FROM samples s
JOIN experiments e ON e.id = s.experiment_id
JOIN problems p ON p.id = s.problem_id
JOIN experiment_problems ep ON ep.experiment_id = s.experiment_id AND ep.problem_id = s.problem_id
LEFT JOIN verdicts v ON v.sample_id = s.id
LEFT JOIN executions x ON x.sample_id = s.id
LEFT JOIN classifications c ON c.sample_id = s.id
LEFT JOIN categories k ON k.id = c.category_id;
