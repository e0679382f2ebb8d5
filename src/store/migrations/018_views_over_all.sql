-- The two views that count different programs, with the same rows in less time over a whole file: they join what they read, not all that
-- `sample_results` has, and category_counts looks for equal texts among the samples of one problem.

DROP VIEW category_counts;
-- How often each leaf occurred, and in how many problems. `category_code` and `category` are NULL for a pass that has no leaf. Windows, not a second
-- GROUP BY: SQLite hands a condition such as `experiment = 'gpt2'` down through PARTITION BY, so that one experiment's samples alone are read.
CREATE VIEW category_counts AS
SELECT DISTINCT
  g.experiment, g.strategy, g.outcome, k.code AS category_code, k.name AS category, sum(g.samples) OVER leaf AS samples,
  count(*) OVER leaf AS problems, sum(g.programs) OVER leaf AS programs, g.experiment_hash
FROM (
  SELECT
    e.name AS experiment, e.hash AS experiment_hash, s.strategy, c.outcome, c.category_id,
    count(*) AS samples, count(DISTINCT s.completion) AS programs
  FROM samples s
  JOIN experiments e ON e.id = s.experiment_id
  JOIN classifications c ON c.sample_id = s.id
  GROUP BY s.experiment_id, s.strategy, s.problem_id, c.outcome, c.category_id, e.name, e.hash
) g
LEFT JOIN categories k ON k.id = g.category_id
WINDOW leaf AS (PARTITION BY g.experiment, g.experiment_hash, g.strategy, g.outcome, k.code, k.name);

DROP VIEW problem_results;
-- One row for each problem. `programs` are different ones; crashed = load + crash; the report's rate is passed / counted.
CREATE VIEW problem_results AS
SELECT
  e.name AS experiment, s.strategy, p.task_id, ep.position AS problem_position, p.difficulty,
  count(*) AS samples, count(nullif(c.outcome, 'infra')) AS counted,
  sum(c.outcome = 'pass') AS passed, sum(c.outcome IN ('load', 'crash')) AS crashed, sum(c.outcome = 'infra') AS infra,
  count(DISTINCT s.completion) AS programs, avg(s.token_count) AS mean_tokens, avg(s.mean_logprob) AS mean_logprob,
  e.hash AS experiment_hash
FROM samples s
JOIN experiments e ON e.id = s.experiment_id
JOIN problems p ON p.id = s.problem_id
JOIN experiment_problems ep ON ep.experiment_id = s.experiment_id AND ep.problem_id = s.problem_id
LEFT JOIN classifications c ON c.sample_id = s.id
GROUP BY e.name, e.hash, s.strategy, p.task_id, ep.position, p.difficulty;
