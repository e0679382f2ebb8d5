-- In how many calls a program changed what it was given: the test saw the changes, and nothing was kept of them.

ALTER TABLE verdicts ADD COLUMN changed_calls INTEGER;  -- of calls, those that returned and had changed an argument; NULL: nothing was executed, or in rows of before

-- Step 15's view with the new column.
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
  e.hash AS experiment_hash, v.exception_errno, s.draw_seconds, v.hash_seed_may_show, v.changed_calls
FROM samples s
JOIN experiments e ON e.id = s.experiment_id
JOIN problems p ON p.id = s.problem_id
JOIN experiment_problems ep ON ep.experiment_id = s.experiment_id AND ep.problem_id = s.problem_id
LEFT JOIN verdicts v ON v.sample_id = s.id
LEFT JOIN executions x ON x.sample_id = s.id
LEFT JOIN classifications c ON c.sample_id = s.id
LEFT JOIN categories k ON k.id = c.category_id;
