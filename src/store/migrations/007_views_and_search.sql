-- For people who ask: views with names that say what they hold, and an index of the words in error messages. Nothing here is a result
-- of its own; each column means what it means where its table is made.

-- As before, and with the hash: several experiments may have one name.
DROP VIEW sample_results;
CREATE VIEW sample_results AS
SELECT
  e.name AS experiment, s.strategy, p.task_id, ep.position AS problem_position, s.sample_index, p.difficulty,
  s.completion, s.finish_reason, s.token_count, s.mean_logprob, v.passed, v.status, c.outcome,
  k.code AS category_code, k.name AS category, k.dou, k.tambon, k.codehalu, c.rule, c.evidence, c.generation_code, c.tags,
  c.failing_line, c.failing_column, c.failing_node, c.span_start, c.span_end, c.token_first, c.token_last,
  v.exception_type, v.exception_message, v.exception_line, v.exception_locals, v.exception_frames,
  v.assertions_total, v.assertions_passed, v.hash_seeds_tried, v.hash_seeds_failed, v.further_test,
  x.slowdown, x.cpu_seconds, x.wall_seconds, x.peak_memory_bytes, x.near_limit,
  e.hash AS experiment_hash
FROM samples s
JOIN experiments e ON e.id = s.experiment_id
JOIN problems p ON p.id = s.problem_id
JOIN experiment_problems ep ON ep.experiment_id = s.experiment_id AND ep.problem_id = s.problem_id
LEFT JOIN verdicts v ON v.sample_id = s.id
LEFT JOIN executions x ON x.sample_id = s.id
LEFT JOIN classifications c ON c.sample_id = s.id
LEFT JOIN categories k ON k.id = c.category_id;

-- Samples that failed, of those that count.
CREATE VIEW failures AS
SELECT * FROM sample_results WHERE outcome NOT IN ('pass', 'infra');

-- How often each leaf occurred, and in how many problems. `code` and `category` are NULL for a pass that has no leaf.
CREATE VIEW category_counts AS
SELECT
  experiment, strategy, outcome, category_code, category, count(*) AS samples, count(DISTINCT task_id) AS problems,
  count(DISTINCT task_id || char(10) || completion) AS programs, experiment_hash
FROM sample_results
WHERE outcome IS NOT NULL
GROUP BY experiment, experiment_hash, strategy, outcome, category_code, category;

-- One row for each problem. `programs` are different ones; crashed = load + crash.
CREATE VIEW problem_results AS
SELECT
  experiment, strategy, task_id, problem_position, difficulty, count(*) AS samples, sum(outcome = 'pass') AS passed,
  sum(outcome IN ('load', 'crash')) AS crashed, sum(outcome = 'infra') AS infra, count(DISTINCT completion) AS programs,
  avg(token_count) AS mean_tokens, avg(mean_logprob) AS mean_logprob,
  experiment_hash
FROM sample_results
GROUP BY experiment, experiment_hash, strategy, task_id, problem_position, difficulty;

-- One row for each error text, as the candidate's interpreter worded it.
CREATE VIEW error_messages AS
SELECT
  experiment, strategy, exception_type, exception_message, count(*) AS samples, count(DISTINCT task_id) AS problems, experiment_hash
FROM sample_results
WHERE exception_type IS NOT NULL
GROUP BY experiment, experiment_hash, strategy, exception_type, exception_message;

-- The words of types and messages of exceptions. Holds no text of its own: rows are those of `verdicts`.
CREATE VIRTUAL TABLE error_search USING fts5 (exception_type, exception_message, content = 'verdicts', content_rowid = 'sample_id');
CREATE TRIGGER error_search_insert AFTER INSERT ON verdicts WHEN new.exception_type IS NOT NULL BEGIN
  INSERT INTO error_search (rowid, exception_type, exception_message) VALUES (new.sample_id, new.exception_type, new.exception_message);
END;
CREATE TRIGGER error_search_delete AFTER DELETE ON verdicts WHEN old.exception_type IS NOT NULL BEGIN
  INSERT INTO error_search (error_search, rowid, exception_type, exception_message)
  VALUES ('delete', old.sample_id, old.exception_type, old.exception_message);
END;
CREATE TRIGGER error_search_update AFTER UPDATE OF exception_type, exception_message ON verdicts BEGIN
  INSERT INTO error_search (error_search, rowid, exception_type, exception_message)
  SELECT 'delete', old.sample_id, old.exception_type, old.exception_message WHERE old.exception_type IS NOT NULL;
  INSERT INTO error_search (rowid, exception_type, exception_message)
  SELECT new.sample_id, new.exception_type, new.exception_message WHERE new.exception_type IS NOT NULL;
END;
INSERT INTO error_search (rowid, exception_type, exception_message)
SELECT sample_id, exception_type, exception_message FROM verdicts WHERE exception_type IS NOT NULL;
